export { type Composition, composeGraphiti, type GraphitiFallbackOptions } from './composition.ts';
export { circuitBreaker, getCircuitBreaker } from './default-breaker.ts';
export { getFallbackManager, withFallback } from './default-composition.ts';
export type { FallbackHandle } from './fallback-handle.ts';
export { createGraphitiPipeline, type GraphitiTools } from './graphiti-pipeline.ts';
export type { PublicOperation } from './operation-page.ts';
export {
  createPipeline,
  type Exchange,
  type Pipeline,
  type PipelineOptions,
  type RequestTools,
} from './pipeline.ts';
export { answerProblem, type Problem, problemOf } from './problem.ts';
export { scopedClient } from './scoped-client.ts';
export { type PublicStatus, publicStatus } from './status-page.ts';
