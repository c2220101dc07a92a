import type { Settings } from './read-env.js';
import type { TELEMETRY_SETTINGS } from './settings.js';

type Found = Settings<(typeof TELEMETRY_SETTINGS)[number]>;

/** What the collector gets, and how. null: OpenTelemetry is off. */
export function readTelemetrySettings(found: Found, { serviceName }: { serviceName: string }) {
  if (found.otelExporterOtlpEndpoint === null) return null;
  return {
    endpoint: found.otelExporterOtlpEndpoint,
    headers: found.otelExporterOtlpHeaders,
    serviceName: found.otelServiceName ?? serviceName,
    resourceAttributes: found.otelResourceAttributes,
    sampler: found.otelTracesSampler,
    samplerArg: found.otelTracesSamplerArg,
    metricIntervalMs: found.otelMetricExportInterval,
  };
}
