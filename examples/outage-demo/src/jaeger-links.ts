/** Where a person with Jaeger open finds what the demo did. */

/** What the links are about. */
export interface LinkOptions {
  /** Address of Jaeger's page. */
  readonly jaeger: string;
  readonly service: string;
  /** When the demo began and ended, in ms since the epoch. */
  readonly from: number;
  readonly to: number;
  /** Id of a write that was queued before the app was restarted. */
  readonly write: string | undefined;
}

/** A link, and what it leads to. */
export interface JaegerLink {
  readonly what: string;
  readonly url: string;
}

/** A read in the middle of an outage. */
const stale = {
  'graphiti_fallback.outcome': 'stale',
  'graphiti_fallback.fallback.reason': 'open',
};

/** Links to Jaeger's search, which finds a moment later what has arrived. */
export function jaegerLinks({ write, ...options }: LinkOptions): JaegerLink[] {
  const link = (what: string, search: Search) => ({ what, url: urlOf(search, options) });
  return [
    link('the outages', { operation: 'outage graphiti' }),
    link('a stale read', { tags: stale, limit: 1 }),
    ...(write === undefined
      ? []
      : [
          link('a write that was queued, and its replay after the restart', {
            tags: { 'messaging.message.id': write },
          }),
        ]),
  ];
}

/** Where Jaeger's page is, if it takes OTLP at `url`. */
export function jaegerBeside(url: string): string {
  const jaeger = new URL(url);
  jaeger.port = '16686';
  return jaeger.origin;
}

interface Search {
  readonly operation?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly limit?: number;
}

function urlOf(
  { operation, tags, limit = 20 }: Search,
  { jaeger, service, from, to }: Omit<LinkOptions, 'write'>,
): string {
  const query = new URLSearchParams({
    service,
    ...(operation !== undefined && { operation }),
    ...(tags && { tags: JSON.stringify(tags) }),
    lookback: 'custom',
    start: String(Math.floor(from) * 1_000),
    end: String(Math.ceil(to) * 1_000),
    limit: String(limit),
  });
  return `${jaeger}/search?${query}`;
}
