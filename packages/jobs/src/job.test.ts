import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Due, toJobId } from './catalog.js';
import { readHeld, readJob, toJobs } from './job.js';

const due = (extra: Partial<Due> = {}): Due => ({ id: randomUUID(), attemptNumber: 1, ...extra });
const leased = (extra: Partial<Due> = {}): Due => due({ leasedUntil: 1_795_000_000_123_456, ...extra });
const sizes = (jobs: { data: object }[]) =>
  jobs.map(({ data }) => ('deliveries' in data ? Object.keys(data.deliveries as object).length : 1));

describe('jobs', () => {
  it('hold at most `perJob` deliveries in the order of their ranks, and have the rank of the first', () => {
    const floods = Array.from({ length: 100 }, (_, rank) => leased({ rank }));
    const other = leased();
    const jobs = toJobs('deliver', [...floods.toReversed(), other], 40);
    expect(sizes(jobs)).toEqual([40, 40, 21]);
    expect(jobs.map(({ opts }) => opts.priority)).toEqual([undefined, 39, 79]);
    expect(JSON.stringify(jobs[0]?.data)).toContain(toJobId('deliver', other));
  });

  it('hold one delivery if one is due or the setting says so, and have the id of the attempt', () => {
    const [one, two] = [leased(), leased()];
    expect(toJobs('deliver', [one], 50).map(({ opts }) => opts.jobId)).toEqual([toJobId('deliver', one)]);
    expect(toJobs('deliver', [one, two], 1).map(({ opts }) => opts.jobId)).toEqual(
      [one, two].map((each) => toJobId('deliver', each)),
    );
  });

  it('hold one delivery if it is delayed, or has an expired lease or none', () => {
    const alone = [leased({ delayMs: 5_000 }), leased({ leasedBefore: 'expired' }), due()];
    const jobs = toJobs('deliver', [...alone, leased(), leased()], 50);
    expect(sizes(jobs)).toEqual([1, 1, 1, 2]);
    expect(jobs.slice(0, 3).map(({ opts }) => opts.jobId)).toEqual(alone.map((one) => toJobId('deliver', one)));
  });

  it('have their own id for a deferred delivery, since a job of an earlier lease may have the id of the attempt', () => {
    const one = leased({ leasedBefore: 'deferred' });
    const [job] = toJobs('deliver', [one], 50);
    expect(job?.opts.jobId).not.toBe(toJobId('deliver', one));
    expect(readJob('deliver', { id: job?.opts.jobId, data: job?.data })).toEqual([
      { id: one.id, attemptNumber: 1, leasedUntil: one.leasedUntil },
    ]);
  });

  it('are read back, also without data if they hold one delivery; foreign jobs hold none', () => {
    const [one, two] = [leased(), leased({ attemptNumber: 12 })];
    const [group] = toJobs('deliver', [one, two], 50);
    expect(readJob('deliver', { id: group?.opts.jobId, data: group?.data })).toEqual([one, two]);
    const [single] = toJobs('retry', [one], 50);
    expect(readJob('retry', { id: single?.opts.jobId, data: single?.data })).toEqual([one]);
    expect(readJob('retry', { id: single?.opts.jobId, data: null })).toEqual([
      { id: one.id, attemptNumber: one.attemptNumber },
    ]);
    for (const data of [null, {}, { deliveries: null }, { deliveries: { x: 1 } }, { deliveries: [1] }])
      expect(readJob('deliver', { id: 'group-1', data })).toEqual([]);
    expect(readJob('deliver', { id: 'x', data: group?.data })).toEqual([]);
  });

  it('hold their deliveries while they run, except returned ones', () => {
    const [one, two] = [leased(), leased()];
    const [job] = toJobs('deliver', [one, two], 50);
    const stored = { id: String(job?.opts.jobId), data: job?.data };
    expect(readHeld('deliver', { ...stored, progress: 0 })).toEqual([one, two].map((each) => toJobId('deliver', each)));
    expect(readHeld('deliver', { ...stored, progress: { givenBack: [toJobId('deliver', one)] } })).toEqual([
      toJobId('deliver', two),
    ]);
  });
});
