/** Requests to Graphiti over HTTP, on the platform's `fetch`. */

import { GraphitiError } from './graphiti-error.ts';

/** Credentials and the like, asked for whenever something is sent; never stored. */
export type HeadersHook = () =>
  | Readonly<Record<string, string>>
  | PromiseLike<Readonly<Record<string, string>>>;

/** How Graphiti is reached. */
export interface TransportOptions {
  /** Base address, for example `http://localhost:8000`. */
  readonly url: string;
  /** @default the platform's */
  readonly fetch?: typeof fetch;
  readonly headers?: HeadersHook;
}

/** How one request is sent. */
export interface Sent {
  readonly signal: AbortSignal;
  /** Headers of the call, their names in lower case; they win over those of the hook. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** An answer to the same request that came before: given again for the very same text. */
  readonly kept?: unknown;
}

/** One request. */
interface GraphitiRequest<T> extends Sent {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  /** Whether the answer has the shape that Graphiti promises. */
  readonly accepts: (answer: unknown) => answer is T;
}

/** Sends one request, and gives the answer. */
export type Transport = <T>(request: GraphitiRequest<T>) => Promise<T>;

const json = { accept: 'application/json', 'content-type': 'application/json' };

/** An error's body beyond this many bytes is not read. */
const longestDetail = 65_536;

/**
 * Creates the transport.
 *
 * The requests throw {@link GraphitiError} for an answer that is an error or cannot be understood, and
 * what `fetch` throws, with its cause, when there is none.
 */
export function createTransport({
  url,
  fetch: send = fetch,
  headers: hook,
}: TransportOptions): Transport {
  const base = url.replace(/\/+$/, '');
  /** What answers were made of, for as long as somebody keeps them. */
  const texts = new WeakMap<object, string>();

  return async function request<T>({
    method,
    path,
    body,
    signal,
    headers,
    kept,
    accepts,
  }: GraphitiRequest<T>) {
    const response = await send(`${base}${path}`, {
      method,
      // An object of its own: a `fetch` of the app may add to it.
      headers: { ...(hook && (await headersOf(hook))), ...headers, ...json },
      body: body === undefined ? null : JSON.stringify(body),
      // Followed, a redirect could take the credentials elsewhere, and would turn a POST into a GET.
      redirect: 'manual',
      signal,
    });
    if (!response.ok) throw await errorOf(response, method, path);
    const text = await response.text();
    if (isObject(kept) && texts.get(kept) === text) return kept as T;
    const answer = parsed(text);
    if (!accepts(answer))
      throw new GraphitiError(
        `Graphiti's answer to ${method} ${resource(path)} is not what it should be`,
        { upstreamStatus: response.status },
      );
    if (isObject(answer)) texts.set(answer, text);
    return answer;
  };
}

/** Without credentials nothing is sent: 503 says that the call certainly was not applied. */
async function headersOf(hook: HeadersHook): Promise<Readonly<Record<string, string>>> {
  const given = await (async () => hook())().catch((cause: unknown) => {
    const message = 'The `headers` hook failed; nothing was sent to Graphiti';
    throw new GraphitiError(message, { upstreamStatus: 503, cause });
  });
  try {
    // Their names in lower case, as those of the call are: one takes the other's place.
    return Object.fromEntries(new Headers(given ?? {}));
  } catch {
    // No cause: the platform's message repeats the value, which is a credential.
    const message = 'The `headers` hook gave what is no header; nothing was sent to Graphiti';
    throw new GraphitiError(message, { upstreamStatus: 503 });
  }
}

async function errorOf(response: Response, method: string, path: string): Promise<GraphitiError> {
  const { status } = response;
  const text = await beginning(response);
  const body = parsed(text);
  const detail = typeof body === 'object' && body !== null && 'detail' in body ? body.detail : text;
  return new GraphitiError(`Graphiti answered ${status} to ${method} ${resource(path)}`, {
    upstreamStatus: status,
    detail,
    retryAfterMs: retryAfter(response),
  });
}

/** The path's first part: what follows may be an id. */
function resource(path: string): string {
  return `/${path.split(/[/?]/)[1] ?? ''}`;
}

async function beginning({ body }: Response): Promise<string> {
  if (!body) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      size += chunk.byteLength;
      if (size >= longestDetail) break;
    }
  } catch {
    // The status says enough.
  }
  return Buffer.concat(chunks).subarray(0, longestDetail).toString('utf8');
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function retryAfter({ headers }: Response): number | undefined {
  const text = headers.get('retry-after');
  if (!text) return undefined;
  const seconds = Number(text);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
