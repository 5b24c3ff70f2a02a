/** How instrumentations reach modules: those that are imported, and those that Node has already. */

import { createRequire, isBuiltin, register, syncBuiltinESMExports } from 'node:module';
import type { Instrumentation } from '@opentelemetry/instrumentation';
import * as synchronous from 'import-in-the-middle/register-hooks.mjs';

/**
 * Hooks imports of what is instrumented, and of nothing else: a hook over everything slows each import
 * and gives http clients two spans. `require` needs no hook of ours.
 */
export function hookModules(instrumentations: readonly Instrumentation[]): void {
  const include = [...new Set(instrumentations.flatMap(modulesOf))];
  if (include.length === 0) return;
  if (synchronous.supportsSyncHooks()) synchronous.register({ include });
  else register('import-in-the-middle/hook.mjs', import.meta.url, { data: { include } });
}

/** Node's http is patched when it is required, and named imports of it see that when they are synced. */
export function patchBuiltins(): void {
  const require = createRequire(import.meta.url);
  require('node:http');
  require('node:https');
  syncBuiltinESMExports();
}

/** The packages that an instrumentation is for; one of another make does not tell. */
function modulesOf(instrumentation: Instrumentation): string[] {
  const { getModuleDefinitions } = instrumentation as {
    getModuleDefinitions?(): { readonly name: string }[];
  };
  const definitions = getModuleDefinitions?.call(instrumentation) ?? [];
  return definitions.map(({ name }) => name).filter((name) => !isBuiltin(name));
}
