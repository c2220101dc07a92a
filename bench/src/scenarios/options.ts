import { openTokenServer } from '@posthorn/testing';
import { newPayload, now, publishFlatOut } from '../load.js';
import type { Case, Metrics, Scenario } from '../scenario.js';

const AT_ONCE = 64;
const PLAIN = 'no options';
const BESIDE = 'no options, beside 20 accounts with all and an enforced schema';
const FILTER = { filter: '$.object == "message" && exists($.body)' };
const POLICY = { retrySchedule: [5, 60, 600], timeoutMs: 5_000 };
const CHECKED = 'bench:checked';
const SCHEMA = {
  type: 'object',
  required: ['sentAt', 'n', 'body', 'object'],
  properties: {
    sentAt: { type: 'number', minimum: 0 },
    n: { type: 'integer', minimum: 0 },
    body: { type: 'string', minLength: 1, pattern: '^Hey' },
    object: { const: 'message' },
  },
  additionalProperties: false,
};

export const options: Scenario = {
  name: 'options',
  about: 'The cost per delivery of the options of a subscription, for those who use them and for the others.',
  needsPosthorn: true,
  maxMinutes: 30,
  async prepare({ startPosthorn, openMeter, sink, signal, isQuick, closeLater }) {
    const posthorn = await startPosthorn();
    const meter = await openMeter(posthorn);
    const tokens = await openTokenServer();
    closeLater(() => tokens.close());
    const { url: tokenUrl, clientId, clientSecret } = tokens;
    const oauth2 = { authentication: { type: 'oauth2', tokenUrl, clientId, clientSecret } };
    const total = isQuick ? 2_000 : 20_000;

    const openAccount = async (name: string, fields: object): Promise<string> => {
      await posthorn.call('PUT', `/v1/accounts/${name}`, '{}');
      await posthorn.addSubscription(name, { url: sink.url(name), ...fields });
      return name;
    };
    const measure = async (account: string, type?: string) => {
      await sink.reset(account);
      const metering = await meter.start();
      const start = now();
      await publishFlatOut({
        publish: (n) => posthorn.publish(account, newPayload(n), type),
        total,
        atOnce: AT_ONCE,
        signal,
      });
      const { lastAt } = await sink.untilReceived(account, total, signal);
      return { perSecond: total / ((lastAt - start) / 1_000), ...(await metering.stop(total)) };
    };
    const caseOf = (name: string, run: () => Promise<Metrics>): Case => ({ name, warmUp: run, measure: run });
    /** Runs while a type has an enforced schema. */
    const withSchema = async (run: () => Promise<Metrics>): Promise<Metrics> => {
      const path = `/v1/event-types/${CHECKED}`;
      const put = await posthorn.call('PUT', path, JSON.stringify({ schema: SCHEMA, enforcement: 'reject' }));
      if (put.status >= 300) throw new Error(`PUT ${path}: ${put.status} ${put.text}`);
      const metrics = await run();
      await posthorn.call('DELETE', path);
      return metrics;
    };

    const plain = await openAccount('plain', {});
    const [filter, policy, authenticated] = [
      await openAccount('filter', FILTER),
      await openAccount('policy', POLICY),
      await openAccount('oauth2', oauth2),
    ];
    return [
      caseOf(PLAIN, () => measure(plain)),
      caseOf('a filter', () => measure(filter)),
      caseOf('a retry schedule and a timeout', () => measure(policy)),
      caseOf('OAuth 2.0', () => measure(authenticated)),
      caseOf('an enforced schema', () => withSchema(() => measure(plain, CHECKED))),
      caseOf(BESIDE, async () => {
        const others = Array.from({ length: 20 }, (_, n) =>
          openAccount(`other-${n}`, { ...FILTER, ...POLICY, ...oauth2 }),
        );
        const accounts = await Promise.all(others);
        const metrics = await withSchema(() => measure(plain));
        await Promise.all(accounts.map((account) => posthorn.unsubscribe(account)));
        return metrics;
      }),
    ];
  },
  goals(medians) {
    const against = (metric: string) => {
      const [beside, alone] = [medians(BESIDE, metric), medians(PLAIN, metric)];
      return beside === null || alone === null ? null : beside / alone;
    };
    return [
      {
        what: 'options of others: CPU per delivery without options',
        found: against('systemUs'),
        wanted: { atMost: 1.1 },
      },
      {
        what: 'options of others: WAL per delivery without options',
        found: against('walBytes'),
        wanted: { atMost: 1.05 },
      },
    ];
  },
};
