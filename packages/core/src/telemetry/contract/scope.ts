/** Whom the instruments and spans belong to. */

/** The instrumentation scope of everything that the kit emits. */
export const scope = {
  name: '@graphiti-fallback/core',
  version: '0.0.0',
  schemaUrl: 'https://opentelemetry.io/schemas/1.37.0',
} as const;

/** How far a name may be built on: one in development may change with any release, and is said so in its notes. */
export type Stability = 'stable' | 'development';
