/** The command `npm run test:backends`: tests against real backends, `-- --only jaeger` for some of them. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { missingChromium } from './browser/browser.ts';
import { missingJaeger } from './jaeger/server.ts';
import { missingOtlpPrometheus, missingPrometheus } from './prometheus/server.ts';
import { missingRedis } from './redis/server.ts';

/** What each backend needs that is not there, in words for the person who wants it. */
const backends: Readonly<Record<string, () => string | undefined>> = {
  jaeger: missingJaeger,
  prometheus: missingPrometheus,
  browser: missingChromium,
  'prometheus-otlp': missingOtlpPrometheus,
  redis: missingRedis,
};
/** Those that are tested only when they are asked for: they take long to get. */
const onDemand = ['prometheus-otlp'];

const help = `npm run test:backends [-- --only <backend>]… [options of Vitest]

Tests against real servers and a real browser, which it starts itself: ${known()}.
Without --only all of them but ${onDemand.join(', ')}, which takes long to build.
What is missing is said, with how to get it.`;

const { only, rest } = argumentsOf(process.argv.slice(2));
if (rest.includes('--help')) {
  console.log(help);
  process.exit();
}
const unknown = only.filter((name) => !backends[name]);
if (unknown.length > 0) end(`There is no backend ${unknown.join(', ')}: only ${known()}`);
const chosen =
  only.length > 0 ? only : Object.keys(backends).filter((name) => !onDemand.includes(name));
const missing = chosen.flatMap((name) => backends[name]?.() ?? []);
if (missing.length > 0) end(missing.join('\n\n'));

const vitest = join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs');
const projects = chosen.flatMap((name) => ['--project', name]);
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', '--root', import.meta.dirname, ...projects, ...rest],
  { stdio: 'inherit' },
);
process.exitCode = status ?? 1;

/** `--only a --only b`, and what is Vitest's. */
function argumentsOf(all: readonly string[]): { only: string[]; rest: string[] } {
  const isName = (index: number) => all[index - 1] === '--only';
  const only = all.filter((_, index) => isName(index));
  const rest = all.filter((argument, index) => argument !== '--only' && !isName(index));
  return { only, rest };
}

function known(): string {
  return Object.keys(backends).join(', ');
}

function end(why: string): never {
  console.error(why);
  process.exit(1);
}
