/** The result of the scenario with the dead worker, in numbers and in words. */

import type { DeadWorker } from './dead-worker.ts';
import type { DemoResult } from './demo.ts';
import type { Ink } from './ink.ts';

/** What `--scenario dead-worker --json` prints. */
export interface DeadWorkerReport {
  readonly ok: boolean;
  readonly scenario: 'dead-worker';
  /** Requests that got an answer. */
  readonly requests: number;
  /** Messages that the app accepted. */
  readonly accepted: number;
  /** What the app said of Graphiti while the worker was dead; `unknown` where it did not find out. */
  readonly state: string;
  /** What Graphiti said of itself then. */
  readonly healthcheck: string;
  /** Messages that were unconfirmed when the app found out, and how long after the worker's death that was. */
  readonly unconfirmed: number;
  readonly foundOutAfterSeconds: number;
  /** Messages that were sent again. */
  readonly resent: number;
  /** What the app says of Graphiti at the end. */
  readonly finalState: string;
  /** Answers of 500 and above. */
  readonly failed: number;
  readonly lost: number;
  readonly duplicates: number;
  /** Messages that stand behind a later one: a resend leaves the order. */
  readonly outOfOrder: number;
  readonly seconds: number;
}

/** Sums it up; it is ok when the dead worker was found out, and every message is stored once all the same. */
export function deadWorkerReportOf(
  { tally, groups, seconds }: DemoResult,
  { stall, resent, finalState }: Pick<DeadWorker, 'stall' | 'resent' | 'finalState'>,
): DeadWorkerReport {
  const sum = (of: 'lost' | 'duplicates' | 'outOfOrder') =>
    groups.reduce((total, group) => total + group[of].length, 0);
  const numbers = {
    scenario: 'dead-worker',
    requests: tally.total('requests'),
    accepted: tally.accepted.length,
    state: stall?.reported ? 'ingest_stalled' : 'unknown',
    healthcheck: stall?.healthcheck ?? 'unknown',
    unconfirmed: stall?.unconfirmed ?? 0,
    foundOutAfterSeconds: stall?.afterSeconds ?? 0,
    resent,
    finalState,
    failed: tally.total('failed'),
    lost: sum('lost'),
    duplicates: sum('duplicates'),
    outOfOrder: sum('outOfOrder'),
    seconds,
  } as const;
  const foundOut = numbers.state === 'ingest_stalled' && numbers.unconfirmed > 0;
  const fooled = numbers.healthcheck === 'healthy';
  const mended = numbers.resent > 0 && numbers.finalState === 'live';
  const kept = numbers.lost + numbers.duplicates === 0 && numbers.failed === 0;
  return { ok: foundOut && fooled && mended && kept, ...numbers };
}

/** The verdict in a sentence. */
export function deadWorkerVerdict(report: DeadWorkerReport, ink: Ink): string {
  const { ok, state, healthcheck, unconfirmed, resent, lost, duplicates, failed } = report;
  if (ok)
    return ink(
      'green',
      `✔ The dead worker was found out after ${report.foundOutAfterSeconds} s, while its healthcheck was green; ${resent} messages were sent again, and each is stored once. ${report.seconds} s`,
    );
  const problems = [
    state !== 'ingest_stalled' && 'the dead worker was not found out',
    healthcheck !== 'healthy' && `Graphiti said of itself: ${healthcheck}`,
    unconfirmed === 0 && 'nothing was reported as unconfirmed',
    resent === 0 && 'nothing was sent again',
    report.finalState !== 'live' && `in the end Graphiti is ${report.finalState}`,
    lost > 0 && `${lost} messages are lost`,
    duplicates > 0 && `${duplicates} are there more than once`,
    failed > 0 && `${failed} requests failed`,
  ];
  return ink('red', `✘ Not ok: ${problems.filter(Boolean).join('; ')}. ${report.seconds} s`);
}
