export { openTelemetry, type OpenTelemetryOptions } from './open-telemetry.js';
export {
  attemptIds,
  type Caller,
  newSpanIds,
  publishIds,
  readTraceparent,
  type SpanIds,
  toTraceparent,
} from './span-ids.js';
export type { FinishedSpan, RegistryMetric, Telemetry, TelemetrySettings } from './telemetry.js';
