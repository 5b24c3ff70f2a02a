export {
  circuitBreaker,
  getCircuitBreaker,
  getFallbackManager,
  withFallback,
} from '@graphiti-fallback/http';
export { errors } from './errors.ts';
export { type FallbackMiddleware, fallback } from './fallback.ts';
export { type GraphitiFallback, graphitiFallback } from './graphiti-fallback.ts';
export { handler } from './handler.ts';
