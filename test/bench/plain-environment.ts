/** The environment of what is measured: nothing that the user's shell sets for the kit or for an SDK. */

const foreign = /^(OTEL|GRAPHITI|FALLBACK|CIRCUIT|NODE_OPTIONS|NODE_TEST|VITEST)/;

/** This process's environment without that, as in production, and with more. */
export function plainEnvironment(
  more: Readonly<Record<string, string>> = {},
): Record<string, string | undefined> {
  const kept = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  return { ...Object.fromEntries(kept), NODE_ENV: 'production', ...more };
}
