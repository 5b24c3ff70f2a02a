/** Declaring operations: named calls to the upstream, each a read or a write. */

import type { CallHeaders, SentHeaders } from './call-headers.ts';
import type { Entity, LocalEntity } from './entity.ts';
import type { Failure } from './failure.ts';
import type { Json } from './json.ts';
import type { Detailed, Receipt } from './outcome.ts';
import type { Confirmation } from './queue/confirmation.ts';

/** What a call may be told, besides its input. */
export interface CallOptions {
  /** Gives the call up. A write that was sent by then is treated as one whose outcome is unknown. */
  readonly signal?: AbortSignal | undefined;
  /** Deadline over all attempts, in ms, in place of the operation's. */
  readonly timeoutMs?: number | undefined;
}

/** What a read may be told, besides its input. */
export interface ReadCallOptions extends CallOptions {
  /** How old an answer may be when the upstream gives none, in ms since it was fresh; below 0 none may. */
  readonly maxStaleMs?: number | undefined;
  /** In place of the operation's `softTimeout`. */
  readonly softTimeout?: number | false | undefined;
  /**
   * Headers for the upstream, which `run` gets. All of them are part of what is asked: an answer is only
   * ever given to a call with equal ones, so leave out what cannot change it. They are stored as a hash.
   */
  readonly headers?: CallHeaders | undefined;
}

/** What `run` of any operation gets beside its input. */
export interface CallContext {
  /** Aborts at the deadline. Created only when it is read. */
  readonly signal: AbortSignal;
}

/** What `run` of a read gets beside its input. */
export interface ReadContext extends CallContext {
  /** Headers of this call, their names in lower case; empty where it has none. */
  readonly headers: SentHeaders;
  /**
   * The answer that the cache holds, frozen, fresh or not; `undefined` where it holds none. For conditional
   * requests: given back as it is, it is kept for longer, and nothing is compared or copied.
   */
  readonly kept: unknown;
}

/** What `run` of a write gets beside its input. */
export interface WriteContext extends CallContext {
  /** The same for every attempt and replay of this write, across restarts; a UUIDv7. */
  readonly idempotencyKey: string;
  /** When the write was first made, in ms since the epoch: the same for every attempt. */
  readonly createdAt: number;
}

/** A write that waits in the queue, as an overlay sees it. */
export interface PendingWrite {
  readonly id: string;
  readonly operation: string;
  readonly input: unknown;
  readonly entity?: Entity;
  readonly enqueuedAt: number;
  /** The upstream has acknowledged it, and it is not known to be done. */
  readonly accepted?: true;
}

/** An answer that is cached for another question, with equal headers. */
export interface OtherAnswer {
  /** Name of the read that asked. */
  readonly operation: string;
  /** What it asked with: its input, or what its `key` makes of that. */
  readonly asked: unknown;
  /** The answer; it must not be changed. */
  readonly value: unknown;
}

/** How a read makes an answer of those that are cached for other questions: of a longer list, say, a shorter one. */
export interface DerivedAnswers<Input, Value> {
  /** Answers that concern this entity are looked through, and the newest that serves is taken. */
  readonly from: (input: Input) => Entity;
  /** Makes the answer; `undefined` where it cannot be made of this one. */
  readonly make: (other: OtherAnswer, input: Input) => Value | undefined;
}

/** How a read is done, and what its answers concern. */
export interface ReadSpec<Input, Value> {
  /**
   * Asks the upstream. An answer that is JSON is frozen, cached, and shared with who asks the same at
   * the same time; any other is neither cached nor shared: each caller has one of its own.
   */
  readonly run: (input: Input, context: ReadContext) => PromiseLike<Value> | Value;
  /** What the answer concerns; called without one before there is an answer. */
  readonly entities?: (input: Input, value?: Value) => readonly Entity[];
  /** What makes two inputs ask the same; JSON. @default the input itself */
  readonly key?: (input: Input) => unknown;
  /**
   * Lays pending writes over an answer; without one (`undefined`: nothing cached, or the upstream says
   * that it is not there) it may make one of them alone. `undefined` leaves things as they are.
   */
  readonly overlay?: (
    value: Value | undefined,
    pending: readonly PendingWrite[],
    input: Input,
  ) => Value | undefined;
  /** Makes an answer of what is cached for other questions, where the upstream gives none. @default none is made */
  readonly derived?: DerivedAnswers<Input, Value>;
  /**
   * Makes an answer of a local entity, where neither the upstream nor the cache has one: of the first
   * that `entities(input)` names and that is stored here. Must not change what it gets.
   *
   * @default local entities are no answer
   */
  readonly fromEntity?: (entity: LocalEntity, input: Input) => Value | undefined;
  /** Name of the breaker that it shares with others, which is made on first use. @default the manager's own */
  readonly breaker?: string;
  /** Deadline over all attempts, in ms. @default the manager's `timeouts.read` */
  readonly timeoutMs?: number;
  /** How long an answer is fresh, in ms. @default the manager's `cache.ttl` */
  readonly ttl?: number;
  /** How long after that it may be served when the upstream fails, in ms. @default the manager's `cache.staleIfError` */
  readonly staleIfError?: number;
  /**
   * How long a call waits for the upstream where a stale answer is at hand, in ms; `false`: until the
   * deadline. @default the manager's `cache.softTimeout`
   */
  readonly softTimeout?: number | false;
}

/** What an attempt whose outcome was unknown has become, as far as the upstream can tell. */
export type Reconciliation = 'applied' | 'absent' | 'pending';

/** What a reconcile hook gets beside the input. */
export interface ReconcileContext extends WriteContext {
  /** When the write was last sent, in ms since the epoch. */
  readonly sentAt: number;
}

/** How a write is done, what it changes, and how it may be repeated. */
export interface WriteSpec<Input, Value> {
  /** Sends the write. */
  readonly run: (input: Input, context: WriteContext) => PromiseLike<Value> | Value;
  /** What the write changes. */
  readonly entity?: (input: Input) => Entity;
  /**
   * The type of local entities that this write takes to the upstream: `storeEntity()` sends them as this
   * write, or queues them; `deleteEntity()` does where its effect is 'delete'. One write owns a type.
   */
  readonly owns?: string;
  /** Makes the input of such an entity. @default the entity without its `type` */
  readonly fromEntity?: (entity: LocalEntity) => Input;
  /** How it changes it: an update expires cached answers, a delete removes them. @default 'update' */
  readonly effect?: 'create' | 'update' | 'delete';
  /** Ordering key: writes of one lane run one at a time, in order. `null`: unordered. @default the entity */
  readonly lane?: ((input: Input) => string | null) | null;
  /**
   * Which lanes are replayed first: those with the highest number. The order inside a lane stays. A
   * lane has the priority of its most urgent write. @default 0
   */
  readonly priority?: number | ((input: Input) => number);
  /** Whether sending it twice is the same as once. @default false */
  readonly idempotent?: boolean;
  /**
   * Whether it may be kept and sent later. If not, it is only ever sent live: refused while its breaker
   * lets nothing through or its lane holds queued writes. @default true
   */
  readonly replayable?: boolean;
  /**
   * Whether this process can send it now: while it cannot, queued ones wait as `unhandled`. When that
   * changes, `manager.queue.wake()` makes the queue look. @default always
   */
  readonly available?: () => boolean;
  /**
   * Whether queued writes of one entity are joined while none of them was sent: a create and an update
   * are a create, two updates of this operation the last, a create and a delete nothing. All of them
   * must ask for it, and name an `entity`. A function makes the input of both; otherwise members of the
   * later one win in a create, and the later one stands for both in an update. @default false
   */
  readonly coalesce?: boolean | ((earlier: Json, later: Input) => unknown);
  /**
   * For an upstream that acknowledges writes before it does them: they are stored before they are sent,
   * the receipt says `accepted`, and they are looked for until they are there. @default an acknowledged write is applied
   */
  readonly confirm?: Confirmation<Input>;
  /**
   * Looks whether a write that may have been applied was, before it is sent again. @default as `confirm` does
   */
  readonly reconcile?: (
    input: Input,
    context: ReconcileContext,
  ) => PromiseLike<Reconciliation> | Reconciliation;
  /** How long after sending an absent write may still be on its way, in ms. @default 120,000 */
  readonly reconcileFor?: number;
  /** Name of the breaker that it shares with others, which is made on first use. @default the manager's own */
  readonly breaker?: string;
  /** Deadline over all attempts, in ms. @default the manager's `timeouts.write` */
  readonly timeoutMs?: number;
}

/** A declared read: resolves to the value. */
export interface ReadOperation<Input, Value> {
  (input: Input, options?: ReadCallOptions): Promise<Value>;
  /** The same, with where the answer came from. */
  detailed(input: Input, options?: ReadCallOptions): Promise<Detailed<Value>>;
  readonly operationName: string;
}

/** A declared write: resolves to a receipt. */
export interface WriteOperation<Input, Value> {
  (input: Input, options?: CallOptions): Promise<Receipt<Value>>;
  /**
   * Several writes of one call, committed at once where they are kept: the receipt has the last as
   * `operation`, all as `operations`, and the worst outcome.
   */
  all(inputs: readonly Input[], options?: CallOptions): Promise<Receipt<Value>>;
  readonly operationName: string;
}

/** Reads an error of an operation's `run`; `undefined` leaves it to the kit. */
export type Classifier = (error: unknown) => Failure | undefined;
