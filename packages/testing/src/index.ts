export type { Fact } from './server/facts.ts';
export type { Fault, FaultKind } from './server/fault.ts';
export type { ActiveFault } from './server/fault-script.ts';
export type { EntityNode, Episode } from './server/graph.ts';
export { type GraphitiServer, graphitiServer } from './server/graphiti-server.ts';
export type { AcceptedMessage } from './server/ingestion.ts';
export type { Match } from './server/match.ts';
export type { GraphitiServerOptions } from './server/options.ts';
export type { ReceivedRequest } from './server/records.ts';
export type { ServerState } from './server/state.ts';
export {
  type CreateSharedValues,
  sharedValuesContract,
} from './store-contract/shared-values.ts';
export {
  type CreateStore,
  type RegisterTest,
  type StoreContractOptions,
  storeContract,
} from './store-contract/store-contract.ts';
export {
  type EmittedNames,
  type TelemetryCheck,
  telemetryCheck,
} from './telemetry-check/telemetry-check.ts';
