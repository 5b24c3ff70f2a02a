/** The small JSON body of a request, whether or not a body parser has been there before. */

import type { IncomingMessage, ServerResponse } from 'node:http';

/** A body that is no use, and the status that says so. */
export class BodyError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** So many bytes, within so many ms. */
const mostBytes = 8_192;
const longest = 5_000;

/**
 * Reads it, or takes what a parser made of it.
 *
 * @throws {BodyError} when it is too long, too slow, gone or no JSON
 */
export async function jsonBody(request: IncomingMessage, parsed: unknown): Promise<unknown> {
  if (Buffer.isBuffer(parsed) || typeof parsed === 'string') return parse(String(parsed));
  if (typeof parsed === 'object' && parsed !== null && Object.keys(parsed).length > 0)
    return parsed;
  if (request.readableEnded || request.destroyed)
    throw new BodyError(400, 'Expected a JSON body; something before has read it');
  return parse(await read(request));
}

/** The rest of a body that nobody reads must not be taken for the next request. */
export function closeUnread(response: ServerResponse): void {
  if (!response.req.complete && !response.headersSent) response.setHeader('Connection', 'close');
}

function parse(text: string): unknown {
  if (Buffer.byteLength(text) > mostBytes) throw tooLong();
  try {
    return JSON.parse(text);
  } catch {
    throw new BodyError(400, 'Expected a JSON body');
  }
}

function read(request: IncomingMessage): Promise<string> {
  if (Number(request.headers['content-length'] ?? 0) > mostBytes) return Promise.reject(tooLong());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const timer = setTimeout(() => settle(new BodyError(408, 'The body took too long')), longest);
    const onData = (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > mostBytes) settle(tooLong());
    };
    const onEnd = () => settle();
    const onClose = () => settle(new BodyError(400, 'The client went away'));
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);

    function settle(error?: BodyError): void {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('close', onClose);
      if (error) reject(error);
      else resolve(Buffer.concat(chunks).toString());
    }
  });
}

function tooLong(): BodyError {
  return new BodyError(413, `Expected a body of ${mostBytes} bytes at most`);
}
