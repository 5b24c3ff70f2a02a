/** The process's default manager: whoever asks first has it made. */

import {
  createWithFallback,
  type FallbackManager,
  findFallbackManager,
  getFallbackManager as namedManager,
  type WithFallback,
} from '@graphiti-fallback/core';
import {
  type Composition,
  checkGraphitiOptions,
  composeGraphiti,
  defaultName,
  type GraphitiFallbackOptions,
} from './composition.ts';

/** What {@link getFallbackManager} made before `graphitiFallback()` was called. */
let madeEarly: Composition | undefined;

/**
 * The process's manager of a name. The default one is made on first use, as `graphitiFallback()`
 * without options makes it; a later `graphitiFallback()` takes it over.
 *
 * @throws {TypeError} when there is no manager of another name, naming those that there are
 */
export function getFallbackManager(name: string = defaultName): FallbackManager {
  if (name !== defaultName || findFallbackManager(name)) return namedManager(name);
  madeEarly = composeGraphiti();
  return madeEarly.manager;
}

/**
 * Makes functions and methods operations of a manager: of the default one, unless they name another. It
 * is made at their first call, if it is not there by then.
 */
export const withFallback: WithFallback = createWithFallback({
  find: () => findFallbackManager(defaultName),
  get: () => getFallbackManager(),
});

/**
 * What `graphitiFallback()` is made of: what {@link getFallbackManager} has made, else anew.
 *
 * @throws {TypeError} when options come too late, or one is wrong
 */
export function adoptOrCompose(options: GraphitiFallbackOptions<never> = {}): Composition {
  const living = madeEarly && findFallbackManager(defaultName) === madeEarly.manager;
  const { name = defaultName } = Object(options) as GraphitiFallbackOptions<never>;
  if (!madeEarly || !living || name !== defaultName) return composeGraphiti(options);
  checkGraphitiOptions(options);
  const late = Object.entries(options).filter(([, value]) => value !== undefined);
  if (late.length === 0) return madeEarly;
  throw new TypeError(
    `Expected graphitiFallback(options) to be called before getFallbackManager(), which has made '${defaultName}' without ${late.map(([option]) => `\`${option}\``).join(', ')}`,
  );
}
