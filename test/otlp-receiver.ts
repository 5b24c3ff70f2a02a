/** A small OTLP/HTTP receiver: takes what an SDK exports as JSON, and keeps it. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';

/** A span as it arrived. */
export interface ReceivedSpan {
  readonly scope: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
}

/** What arrived until now. */
export interface OtlpReceiver {
  readonly url: string;
  readonly spans: ReceivedSpan[];
  /** Names of metrics. */
  readonly metrics: ReadonlySet<string>;
  /** Bodies of log records. */
  readonly logs: readonly unknown[];
  close(): Promise<void>;
}

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface Resource {
  readonly resource: { readonly attributes: readonly Attribute[] };
}

interface Scope {
  readonly scope: { readonly name: string };
}

/** What the three paths take. */
interface Exported {
  readonly resourceSpans?: readonly (Resource & {
    readonly scopeSpans: readonly (Scope & {
      readonly spans: readonly (Omit<ReceivedSpan, 'scope' | 'attributes' | 'resource'> & {
        readonly attributes: readonly Attribute[];
      })[];
    })[];
  })[];
  readonly resourceMetrics?: readonly {
    readonly scopeMetrics: readonly { readonly metrics: readonly { readonly name: string }[] }[];
  }[];
  readonly resourceLogs?: readonly {
    readonly scopeLogs: readonly { readonly logRecords: readonly { readonly body: unknown }[] }[];
  }[];
}

/** Starts one on a free port. */
export async function otlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const metrics = new Set<string>();
  const logs: unknown[] = [];
  const server = createServer(async (request, response) => {
    const exported = (await json(request)) as Exported;
    for (const { resource, scopeSpans } of exported.resourceSpans ?? [])
      for (const { scope, spans: some } of scopeSpans)
        for (const span of some)
          spans.push({
            ...span,
            scope: scope.name,
            attributes: record(span.attributes),
            resource: record(resource.attributes),
          });
    for (const { scopeMetrics } of exported.resourceMetrics ?? [])
      for (const { name } of scopeMetrics.flatMap((scope) => scope.metrics)) metrics.add(name);
    for (const { scopeLogs } of exported.resourceLogs ?? [])
      logs.push(...scopeLogs.flatMap(({ logRecords }) => logRecords.map(({ body }) => body)));
    response.setHeader('content-type', 'application/json').end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('The receiver does not listen');
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { url: `http://127.0.0.1:${address.port}`, spans, metrics, logs, close };
}

function record(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
