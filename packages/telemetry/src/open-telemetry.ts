import type * as sdk from './open-sdk.js';
import type { Telemetry, TelemetrySettings } from './telemetry.js';

export interface OpenTelemetryOptions {
  app: 'api' | 'worker';
  version: string;
  log: { warn(fields: object, message: string): void };
}

/** Opens the connection to the collector. null: off, and OpenTelemetry is not loaded. */
export async function openTelemetry(
  settings: TelemetrySettings | null,
  options: OpenTelemetryOptions,
): Promise<Telemetry | null> {
  if (settings === null) return null;
  // A file of its own that contains OpenTelemetry. Bundlers do not follow a URL, so the bundles of the apps stay without it.
  const { openSdk } = (await import(new URL('open-sdk.js', import.meta.url).href)) as typeof sdk;
  return openSdk(settings, options);
}
