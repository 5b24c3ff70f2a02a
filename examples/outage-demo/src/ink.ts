/** Colour, where the stream and NO_COLOR allow it. */

import { styleText } from 'node:util';

/** Colours a text, or does not. */
export type Ink = (style: 'bold' | 'dim' | 'green' | 'yellow' | 'red', text: string) => string;

/** The ink of one stream. */
export function inkOf(stream: NodeJS.WriteStream): Ink {
  return (style, text) => styleText(style, text, { stream });
}
