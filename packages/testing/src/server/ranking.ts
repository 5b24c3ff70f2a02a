/** Search by words: BM25 (Robertson and Zaragoza, 2009), with the usual k1 and b. */

const k1 = 1.2;
const b = 0.75;

const stopWords = new Set(
  'a an and are as at be by do does for from has have in is it of on or that the to was what where who with'.split(
    ' ',
  ),
);

/** Documents that share words with the query, best first; equals stay in the order they came in. */
export function rank<Document extends { readonly fact: string }>(
  query: string,
  documents: readonly Document[],
): Document[] {
  const wanted = [...new Set(words(query))];
  const texts = documents.map(wordsOf);
  const averageLength = texts.reduce((sum, { length }) => sum + length, 0) / (texts.length || 1);
  const rarity = new Map(wanted.map((word) => [word, inverseFrequency(word, texts)]));

  const scored = documents.map((document, index) => {
    const text = texts[index] ?? [];
    const score = wanted.reduce((sum, word) => {
      const count = text.filter((found) => found === word).length;
      const saturated = count + k1 * (1 - b + b * (text.length / averageLength));
      return count === 0 ? sum : sum + ((rarity.get(word) ?? 0) * count * (k1 + 1)) / saturated;
    }, 0);
    return { document, score };
  });
  return scored
    .filter(({ score }) => score > 0)
    .sort((left, right) => right.score - left.score)
    .map(({ document }) => document);
}

function inverseFrequency(word: string, texts: readonly (readonly string[])[]): number {
  const having = texts.filter((text) => text.includes(word)).length;
  return Math.log(1 + (texts.length - having + 0.5) / (having + 0.5));
}

const known = new WeakMap<object, readonly string[]>();

function wordsOf(document: { readonly fact: string }): readonly string[] {
  const found = known.get(document) ?? words(document.fact);
  known.set(document, found);
  return found;
}

function words(text: string): string[] {
  const all = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return all.filter((word) => !stopWords.has(word));
}
