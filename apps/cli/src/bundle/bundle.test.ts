import { effectiveSettings, type Setting, settingNames, settings } from '@posthorn/settings';
import { describe, expect, it } from 'vitest';
import { hiddenValues, maskSettings } from './mask-settings.js';
import { openMask, partsOfUrl } from './open-mask.js';
import { countHints } from './read-log-hints.js';
import { parseMetrics } from './read-metrics.js';

/** Distinctive in every form that a setting may have. */
const planted = (name: string) => `planted${name.toLowerCase().replaceAll('_', '')}`;

describe('settings', () => {
  it.each(settingNames)('%s is in no part of a bundle, as a text, a host, a URL or a file', (name) => {
    const word = planted(name);
    const { secret } = settings[name] as Setting;
    for (const value of [
      word,
      `${word}.example.com:6379`,
      `postgres://${word}u:${word}p@${word}.internal:5432/${word}d?sslkey=${word}k`,
      `/etc/${word}.pem`,
      `key=${word},other=${word}x`,
    ]) {
      const env = { [name]: value, ...(secret && { [`${name}_FILE`]: `/run/secrets/${word}` }) };
      const mask = openMask(hiddenValues(env));
      expect(JSON.stringify(maskSettings(effectiveSettings(env, [name]), mask))).not.toContain(word);
      const parts = [value, ...partsOfUrl(value), `error of ${value}: ${word}`].filter((one) => value.includes(one));
      for (const part of parts) expect(mask.text(`cannot use ${part}`)).not.toContain(word);
    }
  });

  it('keep what helps: numbers, choices and defaults', () => {
    const env = {
      LOG_LEVEL: 'debug',
      WORKER_CONCURRENCY: '77',
      RETRY_SCHEDULE_SECONDS: '5,30',
      REQUIRE_HTTPS: 'false',
    };
    const names = ['LOG_LEVEL', 'WORKER_CONCURRENCY', 'RETRY_SCHEDULE_SECONDS', 'REQUIRE_HTTPS'] as const;
    expect(maskSettings(effectiveSettings(env, names), openMask([])).map(({ value }) => value)).toEqual(
      Object.values(env),
    );
  });
});

describe('mask', () => {
  it.each([
    'https://hooks.customer.example/path?key=k1',
    'hooks.customer.example',
    'redis-7:6379',
    '10.0.0.7:6379',
    '[2001:db8::1]:5432',
    '2001:db8::1',
    'ada@customer.example',
  ])('hides %s in a sentence', (secret) => {
    const text = openMask([]).text(`connect to ${secret} failed`);
    expect(text).toMatch(/^connect to <(host|url|address) [\da-f]{8}>\S{0,6} failed$/);
  });

  it('has equal hashes for equal values in one bundle, and others in the next', () => {
    const [mask, other] = [openMask([]), openMask([])];
    expect(mask.hash('db.internal')).toBe(mask.hash('db.internal'));
    expect(mask.hash('db.internal')).not.toBe(other.hash('db.internal'));
  });

  it('leaves versions, times, sizes and words', () => {
    const words = 'Postgres 17.2, 3 of 100 in use, maxmemory-policy noeviction, v22.22.0';
    expect(
      openMask([]).json({ words, at: '2026-12-01T00:28:12.123Z', vacuum: '2026-12-01 00:28:12.1+00', n: 1 }),
    ).toEqual({ words, at: '2026-12-01T00:28:12.123Z', vacuum: '2026-12-01 00:28:12.1+00', n: 1 });
  });
});

it('log hints have only the event, the code of the error and times', () => {
  const line = (more: object) =>
    JSON.stringify({ level: 40, time: '2026-12-01T00:00:00.000Z', hostname: 'planted', url: 'planted', ...more });
  const hints = countHints([
    line({ msg: 'email.dropped', err: { type: 'Error', code: 'ECONNREFUSED', message: 'planted', stack: 'planted' } }),
    line({ msg: 'email.dropped', err: { code: 'ECONNREFUSED' }, time: 1_764_547_201_000 }),
    line({ msg: 'cannot reach planted', level: 50, err: { code: 'planted.example', type: 'planted 1' } }),
    line({ msg: 'delivery.attempted', level: 30 }),
    'not JSON: planted',
    '{broken: planted',
  ]);
  expect(hints).toMatchObject([
    { level: 'warn', event: 'email.dropped', error: 'ECONNREFUSED', count: 2, firstAt: '2026-12-01T00:00:00.000Z' },
    { level: 'error', event: 'other', error: null, count: 1 },
  ]);
  expect(JSON.stringify(hints)).not.toContain('planted');
});

it('metrics are those of Posthorn and of the process, without buckets', () => {
  const text = [
    '# HELP posthorn_build_info x',
    'posthorn_build_info{version="0.1.0",node="v22",app="worker"} 1',
    'posthorn_attempt_duration_seconds_bucket{le="1",outcome="ok"} 3',
    'posthorn_attempt_duration_seconds_count{outcome="ok"} 3',
    'process_cpu_seconds_total 1.5',
    'nodejs_eventloop_lag_seconds Nan',
    'other_metric 1',
  ].join('\n');
  expect(parseMetrics(text)).toEqual({
    app: 'worker',
    problem: null,
    values: {
      'posthorn_build_info{version="0.1.0",node="v22",app="worker"}': 1,
      'posthorn_attempt_duration_seconds_count{outcome="ok"}': 3,
      process_cpu_seconds_total: 1.5,
    },
  });
});
