/** `npx @graphiti-fallback/store-lowdb`: a look into a store without the app. */

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { codeOf } from '../durable-file.ts';
import { type FoundSlot, homesOf, onlyHomeIn, slotsIn, UsageError } from '../found-slots.ts';
import { ownerOf, ownerText } from '../owner.ts';
import { inspect, inspectionText } from './inspection.ts';
import { exportLines, importLines } from './transfer.ts';
import { findingText, verify } from './verification.ts';

const help = `Usage: npx @graphiti-fallback/store-lowdb <command> <directory> [options]

  inspect <directory>         what is in it, and in which condition
  verify <directory>          checks every checksum; exit code 1 where one does not hold
  export <directory>          pending operations as NDJSON, to stdout
  import <directory> [file]   queues operations from NDJSON, of a file or stdin; the app finds them
                              when it starts, or within 30 s

The directory is a data folder (by default ~/.graphiti_fallback), the folder of one identity (an
application with its upstream), or a slot.

  --json   inspect and verify: for programs
  --dead   export: the dead letters instead
  --help   shows this

What is exported holds what was written: keep it as safe.
`;

const commands = { inspect: inspecting, verify: verifying, export: exporting, import: importing };

interface Options {
  readonly json: boolean;
  readonly dead: boolean;
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`error: ${explain(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parsed(args);
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const [name, directory, ...more] = positionals;
  if (name === undefined) throw new UsageError(`Expected a command\n\n${help}`);
  if (!isCommand(name))
    throw new UsageError(
      `Expected one of ${Object.keys(commands).join(', ')}, got '${name}'; --help tells more`,
    );
  if (directory === undefined)
    throw new UsageError(`Expected a directory: ${name} <directory>; --help tells more`);
  if (more.length > Number(name === 'import'))
    throw new UsageError(`Expected one directory, got also '${more.at(-1)}'`);
  return commands[name](directory, values, more[0]);
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        dead: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}; --help tells more`);
  }
}

function isCommand(name: string): name is keyof typeof commands {
  return Object.hasOwn(commands, name);
}

async function inspecting(directory: string, { json }: Options): Promise<number> {
  const found = await slotsIn(directory);
  const inspections = [];
  for (const slot of found) inspections.push(await inspect(slot));
  print(json ? JSON.stringify(inspections, null, 2) : inspections.map(inspectionText).join('\n\n'));
  return 0;
}

async function verifying(directory: string, { json }: Options): Promise<number> {
  const findings = [];
  for (const slot of await slotsIn(directory)) findings.push(...(await verify(slot)));
  print(json ? JSON.stringify(findings, null, 2) : findings.map(findingText).join('\n'));
  return findings.every(({ sound }) => sound) ? 0 : 1;
}

async function exporting(directory: string, { dead }: Options): Promise<number> {
  const slots = await slotsIn(directory);
  const homes = homesOf(slots);
  let all = 0;
  for (const home of homes) {
    let count = 0;
    for (const slot of slots.filter((each) => each.home === home))
      for await (const line of exportLines(slot, { dead })) {
        process.stdout.write(line);
        count += 1;
      }
    all += count;
    if (homes.length > 1) hint(`${count} from ${home}: ${ownerText(await ownerOf(home))}`);
  }
  if (all === 0) hint(await emptiness(slots, directory, dead));
  return 0;
}

/** Why an export is empty: a person must not take it for a failure, or for all that there is. */
async function emptiness(
  slots: readonly FoundSlot[],
  directory: string,
  dead: boolean,
): Promise<string> {
  let others = 0;
  for (const slot of slots) for await (const _ of exportLines(slot, { dead: !dead })) others += 1;
  const where = resolve(directory);
  if (dead) return `No dead letters in ${where}${others > 0 ? `; ${others} pending` : ''}`;
  return `Nothing is pending in ${where}${others > 0 ? `; dead letters: ${others} (--dead)` : ''}`;
}

/** For the person: what is exported goes to stdout. */
function hint(what: string): void {
  process.stderr.write(`${what}\n`);
}

async function importing(directory: string, _options: Options, file?: string): Promise<number> {
  const home = await onlyHomeIn(directory);
  const lines = file === undefined ? await text(process.stdin) : await readFile(file, 'utf8');
  const { imported, duplicates } = await importLines(home, lines);
  print(`${imported} imported, ${duplicates} were there already`);
  return 0;
}

function print(what: string): void {
  process.stdout.write(`${what}\n`);
}

function explain(error: unknown): string {
  if (error instanceof UsageError) return error.message;
  if (!(error instanceof Error)) return String(error);
  const code = codeOf(error);
  // The system's messages begin with their code already.
  return error.message.startsWith(code) ? error.message : `${code}: ${error.message}`;
}
