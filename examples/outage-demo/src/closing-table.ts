/** What is printed at the end: what the users saw, what the upstream has, and the verdict. */

import Table from 'cli-table3';
import type { DemoResult } from './demo.ts';
import type { Ink } from './ink.ts';
import type { Report } from './report.ts';
import type { PhaseCounts } from './tally.ts';

/** Messages that went wrong and are named. */
const mostExamples = 10;

/** Both tables and a verdict, as text. */
export function closingTable(result: DemoResult, verdict: string, ink: Ink): string {
  return [
    '',
    ink('bold', 'What the users saw'),
    seen(result),
    '',
    ink('bold', 'What the upstream has, by its own records'),
    kept(result),
    '',
    ...remarks(result),
    verdict,
  ].join('\n');
}

function seen({ tally, seconds }: DemoResult): string {
  const table = tableOf([
    'phase',
    'from',
    'answers',
    'live',
    'stale',
    'acknowledged',
    'queued',
    '5xx',
  ]);
  for (const phase of tally.phases)
    if (phase.requests > 0)
      table.push([phase.phase, `${inSeconds(phase.startedAt)} s`, ...counts(phase)]);
  const total = (name: Parameters<typeof tally.total>[0]) => tally.total(name);
  const names = ['requests', 'live', 'stale', 'acknowledged', 'queued', 'failed'] as const;
  table.push(['all', `${seconds} s`, ...names.map(total)]);
  return table.toString();
}

function kept({ groups }: DemoResult): string {
  const table = tableOf([
    'group',
    'accepted',
    'upstream',
    'queued',
    'replayed',
    'lost',
    'twice',
    'out of order',
  ]);
  for (const group of groups) {
    const { accepted, stored, queued, replayed, lost, duplicates, outOfOrder } = group;
    const wrong = [lost.length, duplicates.length, outOfOrder.length];
    table.push([group.group, accepted, stored, queued, replayed, ...wrong]);
  }
  return table.toString();
}

/** What a reader would otherwise have to guess. */
function remarks({ tally, groups }: DemoResult): string[] {
  const { refused, uncertain } = tally;
  const lines: string[] = [];
  if (refused > 0)
    lines.push(`While the app was dead, ${refused} requests found nobody; they were repeated.`);
  if (uncertain.length > 0) {
    const copies = groups.reduce((sum, { unanswered }) => sum + unanswered.length, 0);
    lines.push(
      `${uncertain.length} answers were lost on their way to the user, who repeated the message; ${copies} of them are upstream once more.`,
    );
  }
  const wrong = groups.flatMap(({ group, lost, duplicates, outOfOrder }) => [
    ...lost.map((content) => `lost in ${group}: ${content}`),
    ...duplicates.map((content) => `twice in ${group}: ${content}`),
    ...outOfOrder.map((content) => `out of order in ${group}: ${content}`),
  ]);
  const more = wrong.length - mostExamples;
  lines.push(...wrong.slice(0, mostExamples), ...(more > 0 ? [`and ${more} more`] : []));
  return lines;
}

/** The verdict on the three outages in a sentence. */
export function verdictOn(report: Report, ink: Ink): string {
  const { ok, lost, duplicates, outOfOrder, queued, replayed, stale, transitions } = report;
  if (ok)
    return ink(
      'green',
      `✔ Every accepted write is upstream, once and in lane order; ${replayed} of ${queued} queued ones were replayed. ${report.seconds} s`,
    );
  const problems = [
    lost > 0 && `${lost} accepted writes are lost`,
    duplicates > 0 && `${duplicates} are there more than once`,
    outOfOrder > 0 && `${outOfOrder} are out of order`,
    replayed !== queued && `${replayed} of ${queued} queued ones were replayed`,
    queued === 0 && 'nothing was queued',
    stale === 0 && 'nothing was served stale',
    transitions < 3 && `the breaker opened ${transitions} times`,
  ];
  return ink('red', `✘ Not ok: ${problems.filter(Boolean).join('; ')}. ${report.seconds} s`);
}

function counts({ requests, live, stale, acknowledged, queued, failed }: PhaseCounts): number[] {
  return [requests, live, stale, acknowledged, queued, failed];
}

function tableOf(head: readonly string[]): Table.Table {
  const [first, ...others] = head;
  return new Table({
    head: [first ?? '', ...others],
    colAligns: head.map((_name, index) => (index === 0 ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  });
}

function inSeconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
