/** Whose queue it is: two apps on one default folder must never see each other's writes. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join, parse, resolve } from 'node:path';
import type { Identity } from './journal.ts';

/** What makes an identity. */
export interface IdentityOptions {
  readonly manager: string;
  readonly application: string | undefined;
  readonly upstream: string | undefined;
}

/** An identity, and whether the application is told from others by it. */
export interface Identified extends Identity {
  readonly application: string;
  /** False where no name was found: all such apps have one. */
  readonly named: boolean;
}

/** What an application is called that has no name. */
const nameless = 'application';

/** The identity of a manager's records: its name, and a hash of the application and the upstream. */
export function identityOf({ manager, application, upstream }: IdentityOptions): Identified {
  const name = application ?? applicationName();
  const address = upstream ? normalised(upstream) : '';
  const parts = [name ?? nameless, address];
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  return {
    manager,
    hash,
    application: name ?? nameless,
    ...(address && { upstream: address }),
    named: name !== undefined,
  };
}

/** What a person should know who has apps without a name. */
export function namelessWarning({ application, upstream }: Identified): string {
  const where = upstream ? ` for ${upstream}` : '';
  return `This app has no name of its own: it shares the queue${where} of '${application}' with every other app without one in the same folder, and one may replay or miss what another wrote. Set \`application\`, OTEL_SERVICE_NAME, or \`name\` in package.json`;
}

/** The application's own name, never a path: it must stay the same wherever it is installed. */
function applicationName(): string | undefined {
  const service = process.env.OTEL_SERVICE_NAME?.trim();
  if (service) return service;
  const main = process.argv[1];
  const starts = main ? [dirname(resolve(main)), process.cwd()] : [process.cwd()];
  for (const start of starts) {
    const name = nearestPackageName(start);
    if (name) return name;
  }
  return undefined;
}

function nearestPackageName(start: string): string | undefined {
  const { root } = parse(start);
  for (let folder = start; ; folder = dirname(folder)) {
    // A tool that runs the app (a test runner, a process manager) is not the app.
    if (!folder.includes('node_modules')) {
      const name = packageName(join(folder, 'package.json'));
      if (name) return name;
    }
    if (folder === root) return undefined;
  }
}

function packageName(file: string): string | undefined {
  try {
    const { name } = JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown };
    return typeof name === 'string' && name ? name : undefined;
  } catch {
    return undefined;
  }
}

/** Equal for spellings of one address: no trailing slash, no default port, no credentials. */
function normalised(upstream: string): string {
  const { protocol, host, pathname } = new URL(upstream);
  return `${protocol}//${host}${pathname.replace(/\/+$/, '')}`;
}
