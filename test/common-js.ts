/** What a person writes who has no modules. */

/** Each import of an app becomes a require. */
export function toCommonJs(code: string): string {
  return code.replace(
    /^\s*import (?:(\w+)(?:, )?)?(\{[^}]*\})? from ('[^']+');$/gm,
    (_, whole = '', named = '', from) =>
      [whole, named.replaceAll(' as ', ': ')]
        .filter(Boolean)
        .map((names) => `const ${names} = require(${from});`)
        .join(' '),
  );
}
