/** Makes what stands on the page like what should: focus, selection and scrolling stay where they are. */

/** Changes `live` into `next`. Children with a `data-key` keep their element wherever they move. */
export function morph(live: Element, next: Element): void {
  for (const { name } of [...live.attributes])
    if (!next.hasAttribute(name)) live.removeAttribute(name);
  for (const { name, value } of next.attributes)
    if (live.getAttribute(name) !== value) live.setAttribute(name, value);
  const keyed = new Map<string, Element>();
  for (const child of live.children) {
    const key = keyOf(child);
    if (key !== undefined) keyed.set(key, child);
  }
  let place: ChildNode | null = live.firstChild;
  for (const wanted of [...next.childNodes]) {
    const key = keyOf(wanted);
    const known = key === undefined ? place : keyed.get(key);
    if (known && isAlike(known, wanted)) {
      if (known === place) place = place.nextSibling;
      else live.insertBefore(known, place);
      if (known instanceof Element) morph(known, wanted as Element);
      else if (known.nodeValue !== wanted.nodeValue) known.nodeValue = wanted.nodeValue;
    } else live.insertBefore(wanted, place);
  }
  while (place) {
    const { nextSibling }: ChildNode = place;
    place.remove();
    place = nextSibling;
  }
}

function isAlike(live: Node, next: Node): boolean {
  return live.nodeName === next.nodeName && keyOf(live) === keyOf(next);
}

function keyOf(node: Node): string | undefined {
  return node instanceof Element ? (node.getAttribute('data-key') ?? undefined) : undefined;
}
