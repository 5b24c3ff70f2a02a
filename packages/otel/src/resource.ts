/** Whose telemetry it is, where the variables do not say: without a name every app is `unknown_service`. */

import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { defaultResource, type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import { ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from '@opentelemetry/semantic-conventions';

/** The SDK's own resource, with name and version of the app's package. */
export function appResource(main: string | undefined = process.argv[1]): Resource {
  const resource = defaultResource();
  const starts = main ? [dirname(resolve(main)), process.cwd()] : [process.cwd()];
  for (const start of starts) {
    const app = nearestPackage(start);
    if (app)
      return resource.merge(
        resourceFromAttributes({
          [ATTR_SERVICE_NAME]: app.name,
          ...(app.version !== undefined && { [ATTR_SERVICE_VERSION]: app.version }),
        }),
      );
  }
  return resource;
}

interface AppPackage {
  readonly name: string;
  readonly version: string | undefined;
}

function nearestPackage(start: string): AppPackage | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    // A tool that runs the app (a process manager, a test runner) is not the app.
    const found = folder.includes('node_modules') ? undefined : readPackage(folder);
    if (found || folder === dirname(folder)) return found;
  }
}

function readPackage(folder: string): AppPackage | undefined {
  try {
    const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      readonly name?: unknown;
      readonly version?: unknown;
    };
    if (typeof name !== 'string' || name === '') return undefined;
    return { name, version: typeof version === 'string' ? version : undefined };
  } catch {
    return undefined;
  }
}
