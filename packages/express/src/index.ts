export { errors } from './errors.ts';
export { type FallbackMiddleware, fallback } from './fallback.ts';
export { graphitiFallback } from './graphiti-fallback.ts';
