export type { TelemetryOptions } from './options.ts';
export { startTelemetry } from './start-telemetry.ts';
export type { Telemetry } from './telemetry.ts';
