/** For `node --import @graphiti-fallback/otel/register app.js`: starts telemetry before the app is loaded. */

import { isMainThread } from 'node:worker_threads';
import { startTelemetry } from './start-telemetry.ts';

// Node hands --import on to worker threads, where loggers and other tools live: not each of them is an app.
if (isMainThread) startTelemetry();
