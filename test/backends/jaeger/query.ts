/** Jaeger's query API, as its page uses it. */

/** A span as the page shows it. */
export interface JaegerSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly name: string;
  /** In µs since the epoch. */
  readonly start: number;
  /** In µs. */
  readonly duration: number;
  readonly tags: Readonly<Record<string, string | number | boolean>>;
  /** Of the process that it comes from. */
  readonly resource: Readonly<Record<string, string | number | boolean>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly warnings: readonly string[];
}

/** Spans of one trace, in the order of their beginnings. */
export interface JaegerTrace {
  readonly traceId: string;
  readonly spans: readonly JaegerSpan[];
}

/** What is looked for. */
export interface Search {
  readonly service: string;
  readonly operation?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** Of traces. @default 100000 */
  readonly limit?: number;
}

/** All traces that have a span like that, with all their spans. */
export async function search(
  url: string,
  { service, operation, tags, limit = 100_000 }: Search,
): Promise<JaegerTrace[]> {
  const query = new URLSearchParams({
    service,
    ...(operation !== undefined && { operation }),
    ...(tags && { tags: JSON.stringify(tags) }),
    start: String((Date.now() - 3_600_000) * 1_000),
    end: String((Date.now() + 60_000) * 1_000),
    limit: String(limit),
  });
  return follow(`${url}/search?${query}`);
}

/** What the page shows for a link to its search. */
export async function follow(link: string): Promise<JaegerTrace[]> {
  const response = await fetch(link.replace('/search?', '/api/traces?'));
  const { data } = (await response.json()) as { data: Answer[] | null };
  return (data ?? []).map(traceOf);
}

interface Tag {
  readonly key: string;
  readonly value: string | number | boolean;
}

interface Answer {
  readonly traceID: string;
  readonly processes: Readonly<Record<string, { readonly tags: readonly Tag[] }>>;
  readonly spans: readonly {
    readonly spanID: string;
    readonly operationName: string;
    readonly processID: string;
    readonly startTime: number;
    readonly duration: number;
    readonly tags: readonly Tag[];
    readonly warnings: readonly string[] | null;
    readonly references: readonly {
      readonly refType: 'CHILD_OF' | 'FOLLOWS_FROM';
      readonly traceID: string;
      readonly spanID: string;
    }[];
  }[];
}

function traceOf({ traceID, processes, spans }: Answer): JaegerTrace {
  const all = spans.map((span) => ({
    traceId: traceID,
    spanId: span.spanID,
    parentId: span.references.find(({ refType }) => refType === 'CHILD_OF')?.spanID,
    name: span.operationName,
    start: span.startTime,
    duration: span.duration,
    tags: record(span.tags),
    resource: record(processes[span.processID]?.tags ?? []),
    links: span.references
      .filter(({ refType }) => refType === 'FOLLOWS_FROM')
      .map((reference) => ({ traceId: reference.traceID, spanId: reference.spanID })),
    warnings: span.warnings ?? [],
  }));
  return { traceId: traceID, spans: all.sort((one, two) => one.start - two.start) };
}

function record(tags: readonly Tag[]): Record<string, string | number | boolean> {
  return Object.fromEntries(tags.map(({ key, value }) => [key, value]));
}
