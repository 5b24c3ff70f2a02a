/** Runs the demo once, for all suites, with its telemetry sent to Jaeger. */

import { randomUUID } from 'node:crypto';
import type { TestProject } from 'vitest/node';
import { type DemoRun, runDemo } from './demo-run.ts';
import { jaegerServer } from './server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    jaeger: { readonly url: string; readonly otlp: string };
    demo: DemoRun;
  }
}

/** Starts Jaeger where none runs, plays the demo, and ends Jaeger at the end. */
export default async function setup({ provide }: TestProject) {
  const { url, otlp, close } = await jaegerServer();
  provide('jaeger', { url, otlp });
  // A name of its own: a Jaeger that runs already may have the spans of others.
  const service = `outage-demo-${randomUUID().slice(0, 8)}`;
  console.log(`The demo plays its outages for Jaeger at ${url}, as ${service} …`);
  try {
    provide('demo', await runDemo({ service, otlp, jaeger: url }));
  } catch (error) {
    await close();
    throw error;
  }
  return close;
}
