export type { GetEpisodes, GraphitiClient, Search } from './client.ts';
export { GraphitiError, type GraphitiErrorOptions, isGraphitiError } from './graphiti-error.ts';
export {
  type GraphitiOptions,
  type GraphitiUpstream,
  graphitiUpstream,
} from './graphiti-upstream.ts';
export type {
  EntityNode,
  Episode,
  Fact,
  Facts,
  Message,
  Result,
  SearchQuery,
  StoredEntityNode,
} from './model.ts';
export type { HeadersHook, TransportOptions } from './transport.ts';
