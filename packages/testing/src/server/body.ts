/** The body of a request, read once and kept as it came. */

import type { IncomingMessage } from 'node:http';

const limit = 4 * 1024 * 1024;

/** A body as FastAPI sees it: JSON where the content type says so or says nothing. */
export type Body =
  | { readonly kind: 'none' }
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'malformed'; readonly text: string; readonly position: number }
  | { readonly kind: 'too_large' };

/** Reads a body of up to 4 MiB; rejects when the client leaves before its end. */
export async function readBody(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
  }
  if (size > limit) return { kind: 'too_large' };
  if (size === 0) return { kind: 'none' };
  const text = Buffer.concat(chunks).toString();
  return isJson(request.headers['content-type']) ? parse(text) : { kind: 'text', text };
}

/** What a record shows of a body: the JSON where it is JSON, else the text. */
export function shown(body: Body): unknown {
  if (body.kind === 'json') return body.value;
  return 'text' in body ? body.text : undefined;
}

function isJson(contentType: string | undefined): boolean {
  return !contentType || /^application\/([\w.-]+\+)?json\b/i.test(contentType);
}

function parse(text: string): Body {
  try {
    return { kind: 'json', value: JSON.parse(text) };
  } catch (error) {
    const position = /at position (\d+)/.exec(String(error))?.[1];
    return { kind: 'malformed', text, position: position ? Number(position) : text.length };
  }
}
