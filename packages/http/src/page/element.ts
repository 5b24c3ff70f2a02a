/** Elements in one expression. Everything is set as text: nothing that is shown can become markup. */

/** What an element may hold; `false` and nothing are left out. */
export type Content = Node | string | number | false | undefined | readonly Content[];

/** Attributes by name; `true` for one without a value, `false` and nothing are left out. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

const svgNamespace = 'http://www.w3.org/2000/svg';

/** An HTML element. */
export function html(tag: string, attributes: Attributes = {}, ...content: Content[]): HTMLElement {
  return filled(document.createElement(tag), attributes, content);
}

/** An SVG element. */
export function svg(tag: string, attributes: Attributes = {}, ...content: Content[]): SVGElement {
  return filled(document.createElementNS(svgNamespace, tag) as SVGElement, attributes, content);
}

function filled<E extends Element>(element: E, attributes: Attributes, content: Content): E {
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined && value !== false)
      element.setAttribute(name, value === true ? '' : String(value));
  append(element, content);
  return element;
}

function append(element: Element, content: Content): void {
  if (content === undefined || content === false) return;
  if (Array.isArray(content)) for (const each of content) append(element, each);
  else element.append(content instanceof Node ? content : String(content));
}
