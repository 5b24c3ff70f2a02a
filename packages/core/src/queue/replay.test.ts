import { expect, test } from 'vitest';
import { freePermit } from '../breaker/permit.ts';
import type { DeclaredWrite } from '../declared-write.ts';
import { Emitter, type FallbackEvents } from '../events.ts';
import { failure } from '../failure.ts';
import { manualClock } from '../manual-clock.test.support.ts';
import type { CallPlan } from '../policy/call.ts';
import type { Policy } from '../policy/policy.ts';
import type { Claim } from './lane-queue.ts';
import type { OperationRecord } from './operation-record.ts';
import { Replayer } from './replay.ts';

const timeoutMs = 700;

/** Replays one operation of a lane that is held as the test says, each time that it is asked. */
async function replayed(idempotent: boolean, ...held: boolean[]) {
  const did: string[] = [];
  const policy = {
    call: async ({ run }: CallPlan<unknown>) =>
      run({ signal: AbortSignal.timeout(timeoutMs) } as never),
  };
  const replayer = new Replayer({
    policy: policy as unknown as Policy,
    clock: manualClock(),
    random: () => 0,
    events: new Emitter<FallbackEvents>(),
    health: { suspect: () => {} },
    classify: () => failure('unknown', 'error'),
  });
  const succeeds = { succeeded: () => {} };
  const write = {
    idempotent,
    timeoutMs,
    flow: { evidence: succeeds, ramp: succeeds, rate: succeeds },
    run: async () => void did.push('sent'),
    applied: () => {},
  };
  const claim: Claim = {
    record: { id: '1', operation: 'save', lane: 'a', input: null } as unknown as OperationRecord,
    leased: true,
    goesOnFirst: false,
    held(ms) {
      did.push(`held for ${ms}`);
      return held.shift() ?? false;
    },
    async sending() {
      did.push('noted');
    },
  };
  const verdict = await replayer.replay(claim, write as unknown as DeclaredWrite, freePermit());
  return { did, kind: verdict.kind };
}

const asked = `held for ${timeoutMs}`;

test.each([[true], [false]])(
  'what is held for the time of a call is sent: %s',
  async (idempotent) => {
    expect(await replayed(idempotent, true, true)).toEqual({
      did: [asked, 'noted', asked, 'sent'],
      kind: 'done',
    });
  },
);

test.each([[true], [false]])('what is not held for so long is not sent: %s', async (idempotent) => {
  expect(await replayed(idempotent, false)).toEqual({ did: [asked], kind: 'release' });
});

test.each([[true], [false]])(
  'what is lost while it is noted is not sent: %s',
  async (idempotent) => {
    expect(await replayed(idempotent, true, false)).toEqual({
      did: [asked, 'noted', asked],
      kind: 'release',
    });
  },
);
