import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Due, toJobId } from './catalog.js';
import { readHeld, readJob, toJobs } from './job.js';

const due = (extra: Partial<Due> = {}): Due => ({ id: randomUUID(), attemptNumber: 1, ...extra });
const leased = (extra: Partial<Due> = {}): Due => due({ leasedUntil: 1_795_000_000_123_456, ...extra });
const sizes = (jobs: { data: object }[]) =>
  jobs.map(({ data }) => ('deliveries' in data ? Object.keys(data.deliveries as object).length : 1));

describe('jobs', () => {
  it('hold at most so many deliveries, in the order of their ranks, and go by their first', () => {
    const floods = Array.from({ length: 100 }, (_, rank) => leased({ rank }));
    const other = leased();
    const jobs = toJobs('deliver', [...floods.toReversed(), other], 40);
    expect(sizes(jobs)).toEqual([40, 40, 21]);
    expect(jobs.map(({ opts }) => opts.priority)).toEqual([undefined, 39, 79]);
    expect(JSON.stringify(jobs[0]?.data)).toContain(toJobId('deliver', other));
  });

  it('are of one delivery where one is due, or the setting says so; the job then has the id of the attempt', () => {
    const [one, two] = [leased(), leased()];
    expect(toJobs('deliver', [one], 50).map(({ opts }) => opts.jobId)).toEqual([toJobId('deliver', one)]);
    expect(toJobs('deliver', [one, two], 1).map(({ opts }) => opts.jobId)).toEqual(
      [one, two].map((each) => toJobId('deliver', each)),
    );
  });

  it('are of one delivery for what is delayed, for an expired lease, and without a lease', () => {
    const alone = [leased({ delayMs: 5_000 }), leased({ leasedBefore: 'expired' }), due()];
    const jobs = toJobs('deliver', [...alone, leased(), leased()], 50);
    expect(sizes(jobs)).toEqual([1, 1, 1, 2]);
    expect(jobs.slice(0, 3).map(({ opts }) => opts.jobId)).toEqual(alone.map((one) => toJobId('deliver', one)));
  });

  it('of a deferred delivery have an id of their own: a job of an earlier lease may have the id of the attempt', () => {
    const one = leased({ leasedBefore: 'deferred' });
    const [job] = toJobs('deliver', [one], 50);
    expect(job?.opts.jobId).not.toBe(toJobId('deliver', one));
    expect(readJob('deliver', { id: job?.opts.jobId, data: job?.data })).toEqual([
      { id: one.id, attemptNumber: 1, leasedUntil: one.leasedUntil },
    ]);
  });

  it('are read back, of one delivery also without their data; what is none of ours is nothing', () => {
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

  it('that run hold their deliveries, except those that they gave back', () => {
    const [one, two] = [leased(), leased()];
    const [job] = toJobs('deliver', [one, two], 50);
    const stored = { id: String(job?.opts.jobId), data: job?.data };
    expect(readHeld('deliver', { ...stored, progress: 0 })).toEqual([one, two].map((each) => toJobId('deliver', each)));
    expect(readHeld('deliver', { ...stored, progress: { givenBack: [toJobId('deliver', one)] } })).toEqual([
      toJobId('deliver', two),
    ]);
  });
});
