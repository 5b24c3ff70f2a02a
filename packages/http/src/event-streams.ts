/** Changes as server-sent events, bounded in number and in length: whoever finds no place asks again. */

import type { ServerResponse } from 'node:http';
import {
  checkOptions,
  type FallbackManager,
  milliseconds,
  wholeNumber,
} from '@graphiti-fallback/core';
import { runOutside } from './outside.ts';
import { sendProblem } from './problem.ts';
import { publicStatus } from './public-status.ts';
import type { StatusReader } from './status-reader.ts';

/** Bounds of the streams. */
export interface EventStreamOptions {
  /** How many may be open at once; others get 503. @default 64 */
  readonly most?: number;
  /** How long one lasts, in ms, before it is ended and the client comes again. @default 60,000 */
  readonly lastFor?: number;
}

const defaults = { most: 64, lastFor: 60_000 } satisfies EventStreamOptions;

/** How often it is looked whether anything changed, and how soon after a transition, in ms. */
const lookEvery = 1_000;
const lookSoon = 50;
/** A word to proxies that end silent connections, in ms. */
const quietFor = 10_000;

/** What passes by itself is no change. */
const passing = new Set(['at', 'timeInStateMs', 'retryInMs', 'oldestAgeMs', 'outageAgeMs']);

interface Stream {
  readonly response: ServerResponse;
  readonly endsAt: number;
  /** What it was told last; a slow client is told the newest only. */
  told: string | undefined;
  saidAt: number;
}

/** The open streams of one manager. */
export class EventStreams {
  readonly #read: StatusReader;
  readonly #options: Required<EventStreamOptions>;
  readonly #streams = new Set<Stream>();
  readonly #stopListening: () => void;
  #looking: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #closed = false;

  /** @throws {TypeError} when a bound is wrong */
  constructor(manager: FallbackManager, read: StatusReader, options: EventStreamOptions = {}) {
    checkOptions('events', options, { most: wholeNumber(0), lastFor: milliseconds(1) });
    this.#read = read;
    const { most = defaults.most, lastFor = defaults.lastFor } = options;
    this.#options = { most, lastFor };
    const undo = [
      manager.on('stateChange', () => this.#lookSoon()),
      manager.on('operatorActed', () => this.#lookSoon()),
    ];
    this.#stopListening = () => {
      for (const each of undo) each();
    };
  }

  /** Opens a stream, or refuses it. */
  open(response: ServerResponse, isHead = false): void {
    if (this.#closed || this.#streams.size >= this.#options.most) {
      refuse(response);
      return;
    }
    // Whoever left before now is not told by any event any more.
    if (response.destroyed) return;
    writeHead(response);
    if (isHead) return void response.end();
    const now = performance.now();
    const endsAt = now + this.#options.lastFor;
    const stream: Stream = { response, endsAt, told: undefined, saidAt: now };
    this.#streams.add(stream);
    response.once('close', () => this.#forget(stream));
    response.on('error', () => this.#forget(stream));
    response.write('retry: 1000\n\n');
    this.#look();
    this.#looking ??= runOutside(() =>
      setInterval(() => this.#look(), Math.min(lookEvery, this.#options.lastFor)),
    );
    this.#looking.unref();
  }

  /** Ends all, and opens none any more. */
  close(): void {
    this.#closed = true;
    this.#stopListening();
    for (const stream of this.#streams) this.#end(stream);
  }

  #lookSoon(): void {
    if (this.#streams.size === 0 || this.#soon) return;
    this.#soon = runOutside(() =>
      setTimeout(() => {
        this.#soon = undefined;
        this.#look();
      }, lookSoon),
    );
    this.#soon.unref();
  }

  /** One look at the status serves all streams. */
  #look(): void {
    const now = performance.now();
    for (const stream of this.#streams)
      if (now >= stream.endsAt || isServerClosing(stream.response)) this.#end(stream);
    if (this.#streams.size === 0) return;
    const { text, essence } = this.#status();
    for (const stream of this.#streams) tell(stream, { text, essence, now });
  }

  #status(): { text: string; essence: string } {
    try {
      const status = publicStatus(this.#read());
      const essence = JSON.stringify(status, (key, value) =>
        passing.has(key) ? undefined : value,
      );
      return { text: `event: status\ndata: ${JSON.stringify(status)}\n\n`, essence };
    } catch {
      return { text: ': the status could not be taken\n\n', essence: '' };
    }
  }

  #end(stream: Stream): void {
    const { response } = stream;
    this.#forget(stream);
    // A client that does not read would hold the connection for as long as it likes.
    if (response.writableLength > 0) response.destroy();
    else response.end();
  }

  #forget(stream: Stream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    clearInterval(this.#looking);
    this.#looking = undefined;
  }
}

function tell(
  stream: Stream,
  { text, essence, now }: { text: string; essence: string; now: number },
): void {
  const { response } = stream;
  // What a client has not taken yet is not added to: it gets the newest when it reads on.
  if (response.writableNeedDrain) return;
  const changed = essence !== stream.told;
  if (!changed && now - stream.saidAt < quietFor) return;
  stream.told = essence;
  stream.saidAt = now;
  response.write(changed ? text : ': still here\n\n');
}

/** `no-transform` keeps `compression()` from holding events back, the last one keeps nginx from it. */
function writeHead(response: ServerResponse): void {
  response.statusCode = 200;
  response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
  response.setHeader('Cache-Control', 'no-store, no-transform');
  response.setHeader('X-Accel-Buffering', 'no');
  closeAfterwards(response);
  response.flushHeaders();
}

function refuse(response: ServerResponse): void {
  closeAfterwards(response);
  response.setHeader('Retry-After', '5');
  const detail = 'As many streams are open as may be; ask for the status instead';
  sendProblem(response, 503, 'FALLBACK_TOO_MANY_STREAMS', detail);
}

/** A connection that was kept would keep `server.close()` waiting. HTTP/2 knows no such header. */
function closeAfterwards(response: ServerResponse): void {
  if (response.req.httpVersionMajor < 2) response.setHeader('Connection', 'close');
}

/** `server.close()` waits for all responses; one that goes on must see it by itself. */
function isServerClosing(response: ServerResponse): boolean {
  const server: unknown = Reflect.get(Object(response.socket), 'server');
  return Reflect.get(Object(server), 'listening') === false;
}
