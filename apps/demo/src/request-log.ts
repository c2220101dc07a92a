/** A request to the endpoint. `state` starts as `responding` and ends as `responded`, or as `hung_up` if the sender closed the connection
 *  first. */
export type Received = {
  number: number;
  at: string;
  /** On this process's monotonic clock, to measure how long a delivery took. */
  atMs: number;
  event: string | null;
  webhookId: string | null;
  /** The number of requests with this webhook-id, from 1. The same ID means the same event. */
  attempt: number;
  signature: 'valid' | 'invalid';
  signatureReason: string | null;
  bytes: number;
  body: string;
  state: 'responding' | 'responded' | 'hung_up';
  statusCode: number | null;
  durationMs: number | null;
};

export type RequestLog = ReturnType<typeof openRequestLog>;

/** The last 100 requests. `onChange` gets each request when it arrives and when it ends. */
export function openRequestLog(onChange: (received: Received) => void) {
  let entries: Received[] = [];
  let count = 0;
  const attempts = new Map<string, number>();

  function nextAttempt(webhookId: string | null): number {
    if (webhookId === null) return 1;
    const attempt = (attempts.get(webhookId) ?? 0) + 1;
    attempts.delete(webhookId);
    attempts.set(webhookId, attempt);
    if (attempts.size > MAX_IDS) for (const [oldest] of attempts) return (attempts.delete(oldest), attempt);
    return attempt;
  }

  return {
    entries: (): Received[] => entries,

    add(
      request: Pick<Received, 'atMs' | 'event' | 'webhookId' | 'signature' | 'signatureReason' | 'bytes' | 'body'>,
    ): Received {
      const received: Received = {
        ...request,
        number: ++count,
        at: new Date().toISOString(),
        attempt: nextAttempt(request.webhookId),
        state: 'responding',
        statusCode: null,
        durationMs: null,
      };
      entries = [received, ...entries].slice(0, MAX_ENTRIES);
      onChange(received);
      return received;
    },

    end(received: Received, result: Pick<Received, 'state' | 'statusCode' | 'durationMs'>): void {
      Object.assign(received, result);
      onChange(received);
    },
  };
}

const MAX_ENTRIES = 100;
const MAX_IDS = 1000;
