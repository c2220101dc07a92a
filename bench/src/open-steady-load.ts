import type { Dialect } from './dialect.js';
import { acceptedMetrics } from './metrics.js';
import { newPayload, publishSteadily } from './load.js';
import type { Metrics, Tools } from './scenario.js';
import { percentiles } from './statistics.js';

export interface SteadyLoad {
  /** The channels that get the events, in turn. */
  channels: string[];
  /** Publishes for this many seconds and waits for the last arrival. Returns latencies and costs. */
  run(load: { rate: number; seconds: number }): Promise<Metrics>;
}

/** Makes channels with one endpoint each, and publishes to them at a steady rate. */
export async function openSteadyLoad(
  { sink, signal, openMeter }: Tools,
  system: Dialect,
  { endpoint, channels: count = 1 }: { endpoint: string; channels?: number },
): Promise<SteadyLoad> {
  const channels = await Promise.all(Array.from({ length: count }, () => system.subscribe([sink.url(endpoint)])));
  const meter = await openMeter(system);
  return {
    channels,
    async run({ rate, seconds }) {
      await sink.reset(endpoint);
      const total = Math.max(1, Math.round(rate * seconds));
      const metering = await meter.start();
      const publish = (n: number) => system.publish(channels[n % count] ?? '', newPayload(n));
      const acceptedMs = await publishSteadily({ publish, rate, total, signal });
      await sink.untilReceived(endpoint, total, signal);
      const costs = await metering.stop(total);
      const { latenciesMs } = await sink.report(endpoint);
      return { ...percentiles(latenciesMs), ...acceptedMetrics(percentiles(acceptedMs)), ...costs };
    },
  };
}
