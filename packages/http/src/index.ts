export type { ActionRequest } from './actions.ts';
export { type Composition, composeGraphiti, type GraphitiFallbackOptions } from './composition.ts';
export { circuitBreaker, getCircuitBreaker } from './default-breaker.ts';
export { getFallbackManager, withFallback } from './default-composition.ts';
export type { EventStreamOptions } from './event-streams.ts';
export type { Exchange } from './exchange.ts';
export type { FallbackHandle } from './fallback-handle.ts';
export { createGraphitiPipeline, type GraphitiTools } from './graphiti-pipeline.ts';
export type { StatusHistory, Transition } from './history.ts';
export type { PublicOperation } from './operation-status.ts';
export type { Authorize } from './operators.ts';
export {
  createPipeline,
  type Pipeline,
  type PipelineOptions,
  type RequestTools,
} from './pipeline.ts';
export type { Probe, ProbeReason } from './probes.ts';
export { answerProblem, type Problem, problemOf } from './problem.ts';
export { type PublicStatus, publicStatus } from './public-status.ts';
export type { LaneView, OperationView, QueueView } from './queue-view.ts';
export { scopedClient } from './scoped-client.ts';
export type { StatusOptions } from './status-options.ts';
