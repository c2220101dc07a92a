import { expect, test } from 'vitest';
import { waitFor } from './wait-for.js';

test('waitFor resolves with the first truthy value, and repeats a condition that throws', async () => {
  let calls = 0;
  const value = await waitFor(() => {
    calls++;
    if (calls === 1) throw new Error('not yet');
    return calls === 2 ? null : 'there';
  });
  expect(value).toBe('there');
  expect(calls).toBe(3);
});

test('waitFor throws after its time limit with the condition’s name and last error', async () => {
  const never = waitFor(
    () => {
      throw new Error('still dark');
    },
    { timeoutMs: 30, what: 'the light' },
  );
  await expect(never).rejects.toThrow('Gave up after 30 ms waiting for the light: still dark');
});
