import { type Latency, percentiles } from './percentiles.js';

/** Compares what the API accepted with what the sink received, by event and subscription. Times are milliseconds of one clock. */
export interface Tally {
  /** The event was accepted, and was published at `atMs`. Its deliveries may already have arrived. */
  accepted(eventId: string, atMs: number): void;
  received(eventId: string, subscription: number, atMs: number): void;
  /** Deliveries of accepted events that have not arrived. */
  backlog(): number;
  report(): Counts;
}

export interface Counts {
  acceptedEvents: number;
  /** Deliveries of accepted events that arrived, each counted once. */
  delivered: number;
  /** Deliveries of accepted events that did not arrive. */
  missing: number;
  /** Further arrivals of a delivery. */
  duplicates: number;
  /** Deliveries of events whose publish got no response: neither missing nor expected. */
  unacknowledged: number;
  /** From the start of the publish to the first arrival. null: none arrived. */
  latency: Latency | null;
  lastArrivalMs: number | null;
}

interface Seen {
  publishedMs: number | null;
  /** First arrivals, by subscription. */
  arrivals: Map<number, number>;
}

export function openTally(subscriptions: number): Tally {
  const events = new Map<string, Seen>();
  let acceptedEvents = 0;
  let delivered = 0;
  let duplicates = 0;
  let lastArrivalMs: number | null = null;
  const seenOf = (eventId: string): Seen => {
    const found = events.get(eventId) ?? { publishedMs: null, arrivals: new Map<number, number>() };
    events.set(eventId, found);
    return found;
  };
  const missing = () => acceptedEvents * subscriptions - delivered;
  return {
    accepted(eventId, atMs) {
      const seen = seenOf(eventId);
      if (seen.publishedMs !== null) return; // one key, one event
      seen.publishedMs = atMs;
      acceptedEvents += 1;
      delivered += seen.arrivals.size;
    },
    received(eventId, subscription, atMs) {
      const seen = seenOf(eventId);
      if (seen.arrivals.has(subscription)) {
        duplicates += 1;
        return;
      }
      seen.arrivals.set(subscription, atMs);
      if (seen.publishedMs !== null) delivered += 1;
      lastArrivalMs = atMs;
    },
    backlog: missing,
    report() {
      const latenciesMs: number[] = [];
      let unacknowledged = 0;
      for (const { publishedMs, arrivals } of events.values()) {
        if (publishedMs === null) unacknowledged += arrivals.size;
        else for (const atMs of arrivals.values()) latenciesMs.push(atMs - publishedMs);
      }
      const latency = percentiles(latenciesMs);
      return { acceptedEvents, delivered, missing: missing(), duplicates, unacknowledged, latency, lastArrivalMs };
    },
  };
}
