export type { GetHealth, GraphitiHealth, GraphitiState } from './capability.ts';
export type { GraphitiClient } from './client.ts';
export type { ConfirmOptions } from './confirm-options.ts';
export type { Delete, DeletionOptions } from './deletion.ts';
export type { GetEntityEdge } from './entity-edge.ts';
export type { AddEntityNode, GetPendingEntity } from './entity-node.ts';
export type { GetEpisodes } from './episodes.ts';
export type { Clear, ClearOptions, DeleteGroup, DeleteGroupOptions } from './erasure.ts';
export { GraphitiError, type GraphitiErrorOptions, isGraphitiError } from './graphiti-error.ts';
export {
  type GraphitiOptions,
  type GraphitiPreset,
  type GraphitiUpstream,
  graphitiUpstream,
} from './graphiti-upstream.ts';
export type { Healthcheck } from './healthcheck.ts';
export type { GetMemory } from './memory.ts';
export type { AddMessages } from './messages.ts';
export type {
  EntityNode,
  Episode,
  Fact,
  Facts,
  Health,
  MemoryMessage,
  MemoryQuery,
  Message,
  Result,
  SearchQuery,
  StoredEntityNode,
} from './model.ts';
export type { Capabilities, Capability, Probe } from './probe.ts';
export type { ReadCall } from './read-call.ts';
export type { Search } from './search.ts';
export type { HeadersHook, TransportOptions } from './transport.ts';
