/** What happens, while it happens: a block that refreshes on a terminal, plain lines elsewhere. */

import { createLogUpdate } from 'log-update';
import type { AppStatus } from './app-client.ts';
import { type Ink, inkOf } from './ink.ts';
import type { Tally } from './tally.ts';

/** What there is to show. */
interface Scene {
  /** In ms since the demo began. */
  readonly elapsed: number;
  readonly tally: Tally;
  /** Nothing while the app is not there. */
  readonly status: AppStatus | undefined;
}

/** Shows the demo as it goes on. */
export interface LiveView {
  /** A new phase begins. */
  phase(scene: Scene & { readonly story: string }): void;
  /** The numbers have changed. */
  refresh(scene: Scene): void;
  /** Something happened. */
  tell(elapsed: number, story: string): void;
  /** Leaves the stream to others. */
  end(): void;
}

/** The view that fits a stream. */
export function liveView(stream: NodeJS.WriteStream): LiveView {
  // Some terminals of CI systems say that they are zero columns wide.
  const canRefresh = stream.isTTY && stream.columns > 0 && process.env.TERM !== 'dumb';
  return canRefresh ? blockView(stream) : lineView(stream);
}

/** Lines that are kept below the numbers. */
const keptLines = 8;
/** A full bar, in queued writes and in characters. */
const fullBar = { writes: 60, width: 30 };

function blockView(stream: NodeJS.WriteStream): LiveView {
  const ink = inkOf(stream);
  const log = createLogUpdate(stream);
  const told: { readonly line: string; readonly isPhase: boolean }[] = [];
  let current = '';
  const keep = (elapsed: number, story: string, isPhase: boolean) => {
    told.push({ line: `${seconds(elapsed)}  ${story}`, isPhase });
    if (told.length > keptLines) told.shift();
  };
  return {
    phase({ story, elapsed }) {
      current = story;
      keep(elapsed, story, true);
    },
    refresh(scene) {
      const width = stream.columns - 1;
      const lines = told.map(({ line, isPhase }) => {
        const short = cut(line, width);
        return isPhase ? ink('bold', short) : short;
      });
      log([...numbers(current, scene, ink), ...lines].join('\n'));
    },
    tell(elapsed, story) {
      keep(elapsed, story, false);
    },
    end() {
      log.done();
    },
  };
}

function lineView(stream: NodeJS.WriteStream): LiveView {
  const write = (line: string) => stream.write(`${line}\n`);
  return {
    phase({ elapsed, story, tally, status }) {
      const count = (name: 'live' | 'stale' | 'queued') => `${tally.total(name)} ${name}`;
      const soFar = `${count('live')}, ${count('stale')}, ${count('queued')}`;
      write(`${seconds(elapsed)}  ${story} (${soFar}; ${status?.queue.size ?? 0} in the queue)`);
    },
    refresh() {},
    tell(elapsed, story) {
      write(`${seconds(elapsed)}    ${story}`);
    },
    end() {},
  };
}

function numbers(phase: string, { elapsed, tally, status }: Scene, ink: Ink): string[] {
  const count = (name: Parameters<Tally['total']>[0]) => String(tally.total(name)).padStart(4);
  return [
    `${ink('dim', 'time   ')} ${seconds(elapsed)}  ${ink('bold', phase)}`,
    `${ink('dim', 'breaker')} ${breakers(status, ink)}`,
    `${ink('dim', 'queue  ')} ${bar(status?.queue.size ?? 0, ink)}`,
    `${ink('dim', 'reads  ')} ${count('live')} live  ${count('stale')} stale`,
    `${ink('dim', 'writes ')} ${count('acknowledged')} acknowledged  ${count('queued')} queued  ${count('failed')} failed`,
    '',
  ];
}

function breakers(status: AppStatus | undefined, ink: Ink): string {
  if (!status) return ink('yellow', 'the app is not there');
  const colours: Readonly<Record<string, 'green' | 'yellow' | 'red'>> = {
    closed: 'green',
    half_open: 'yellow',
  };
  return Object.values(status.breakers)
    .map(({ state }) => ink(colours[state] ?? 'red', `● ${state}`))
    .join('  ');
}

function bar(size: number, ink: Ink): string {
  const filled = Math.min(fullBar.width, Math.ceil((size / fullBar.writes) * fullBar.width));
  const rest = '░'.repeat(fullBar.width - filled);
  return `${ink('yellow', '█'.repeat(filled))}${ink('dim', rest)} ${size}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1).padStart(5)} s`;
}

/** A line that wraps would make the block jump. */
function cut(line: string, width: number): string {
  return line.length > width ? `${line.slice(0, width - 1)}…` : line;
}
