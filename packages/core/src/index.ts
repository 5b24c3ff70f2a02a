export { AdaptiveBreaker, type AdaptiveBreakerOptions } from './breaker/adaptive-breaker.ts';
export type { BreakerFallback, BreakerHandle } from './breaker/breaker-handle.ts';
export type { BreakerOptions, SlowCallOptions, WindowOptions } from './breaker/breaker-options.ts';
export type {
  BreakerStateKind,
  BreakerStatus,
  Isolation,
  Outage,
  Trigger,
} from './breaker/breaker-state.ts';
export type { BreakerSurface } from './breaker/breaker-surface.ts';
export { CircuitBreaker, type CircuitBreakerOptions } from './breaker/circuit-breaker.ts';
export {
  type CircuitBreakerGuard,
  createCircuitBreakerGuard,
  type Guard,
} from './breaker/guard.ts';
export type { HealthLevels, HealthSource } from './breaker/health-levels.ts';
export type { ManagerBreakerOptions } from './breaker/manager-breaker-options.ts';
export { circuitBreaker } from './breaker/named-guard.ts';
export type { CacheOptions } from './cache.ts';
export type {
  CachedAnswer,
  CachedCall,
  CacheSurface,
  ReadOrName,
  WarmEntry,
} from './cache-surface.ts';
export type { CallHeaders, SentHeaders } from './call-headers.ts';
export { type Clock, systemClock } from './clock.ts';
export { composeStores, type StoreParts } from './compose-stores.ts';
export type { FallbackContext } from './context.ts';
export type { FleetStatus } from './council/council.ts';
export type {
  Attendance,
  BreakerView,
  FleetView,
  SharedFleet,
  SharedOutage,
} from './council/shared-fleet.ts';
export { type DebugLog, type DebugSection, debugSection } from './debug.ts';
export type { EntityOptions } from './entities.ts';
export type { Entity, LocalEntity, Relationship, RelationshipEnds } from './entity.ts';
export type { EntityReceipt } from './entity-surface.ts';
export {
  type FallbackCode,
  FallbackError,
  type FallbackErrorOptions,
  fallbackStatus,
  isFallbackError,
} from './errors.ts';
export type { FallbackEvents, OutageEvent, QueueEvent, Undo } from './events.ts';
export { classify, type Failure, type FailureLabel, failure } from './failure.ts';
export type { HealthChecker, HealthStatus } from './health/checker.ts';
export type { ComponentHealth, HealthResult } from './health/component.ts';
export type { HealthOptions, HealthSurface, SystemHealth } from './health/health.ts';
export { type HttpCheckOptions, httpCheck } from './health/http-check.ts';
export type {
  Adopted,
  Bucket,
  Change,
  Durability,
  Identity,
  Journal,
  JournalStatus,
  OpenReport,
  StoreRole,
} from './journal.ts';
export type { Json } from './json.ts';
export { FallbackManager } from './manager.ts';
export { findFallbackManager, getCircuitBreaker, getFallbackManager } from './managers.ts';
export { memoryJournal } from './memory-journal.ts';
export { type FallbackMode, fallbackModes } from './mode.ts';
export type {
  CallContext,
  CallOptions,
  Classifier,
  DerivedAnswers,
  OtherAnswer,
  PendingWrite,
  ReadCallOptions,
  ReadContext,
  ReadOperation,
  ReadSpec,
  ReconcileContext,
  Reconciliation,
  WriteContext,
  WriteOperation,
  WriteSpec,
} from './operation.ts';
export { type OperatorAct, type OperatorAction, operatorActions } from './operator-act.ts';
export {
  type Check,
  callable,
  checkOptions,
  either,
  flag,
  httpUrl,
  listOf,
  milliseconds,
  off,
  oneOf,
  text,
  wholeNumber,
  withMethods,
} from './option-check.ts';
export type { FallbackManagerOptions, Logger } from './options.ts';
export type {
  Detailed,
  FallbackReason,
  Outcome,
  ReadOutcome,
  Receipt,
  WriteOutcome,
} from './outcome.ts';
export type { BulkheadOptions } from './policy/bulkhead.ts';
export type { RetryOptions } from './policy/retry.ts';
export type { AcceptedWrite, Confirmation } from './queue/confirmation.ts';
export type { DrainOptions } from './queue/drain-ramp.ts';
export type { Ending } from './queue/history.ts';
export type { QueueOptions } from './queue/intake.ts';
export type { Decision, Doubt, OperationState } from './queue/lane-queue.ts';
export type { QueueFilter, QueueSurface } from './queue/queue-surface.ts';
export type { OperationReport, QueuedOperation } from './queue/queued-operation.ts';
export {
  isSharedQueueUnavailable,
  type SharedAppended,
  type SharedBounds,
  type SharedClaim,
  type SharedClaimRequest,
  type SharedCounts,
  type SharedDecision,
  type SharedEntry,
  type SharedFound,
  type SharedPage,
  type SharedQueue,
  SharedQueueUnavailable,
  type SharedRecord,
  type SharedSettled,
  type SharedSettlement,
  type SharedState,
  type SharedVerdict,
} from './queue/shared-queue.ts';
export type { SyncOptions, SyncReport } from './queue/sync.ts';
export { type ImportReport, importedRecord } from './queue/transfer.ts';
export { currentScope, RequestScope, type Served } from './scope.ts';
export type { FallbackStatus } from './status.ts';
export type { TelemetryOptions } from './telemetry/telemetry-options.ts';
export type {
  Changed,
  Found,
  FoundAnswer,
  Moment,
  News,
  SharedAnswer,
  SharedValues,
  Touched,
  ValueChange,
} from './values/shared-values.ts';
export { type CurrentCall, currentCall } from './wrapping/current-call.ts';
export type { DefaultManager } from './wrapping/manager-choice.ts';
export {
  createWithFallback,
  type MethodContext,
  type MethodDecorator,
  type WithFallback,
  type Wrapped,
  withFallback,
} from './wrapping/with-fallback.ts';
export type {
  FallbackSpec,
  KeptReceipt,
  ReadWrapSpec,
  WrapOptions,
  WriteWrapSpec,
} from './wrapping/wrap-spec.ts';
