import { expect, test } from 'vitest';
import { waitFor } from './wait-for.js';

test('waitFor resolves with the first truthy value, and takes a throwing condition for one not met yet', async () => {
  let calls = 0;
  const value = await waitFor(() => {
    calls++;
    if (calls === 1) throw new Error('not yet');
    return calls === 2 ? null : 'there';
  });
  expect(value).toBe('there');
  expect(calls).toBe(3);
});

test('waitFor gives up after its time and says for what, and what the condition said last', async () => {
  const never = waitFor(
    () => {
      throw new Error('still dark');
    },
    { timeoutMs: 30, what: 'the light' },
  );
  await expect(never).rejects.toThrow('Waited 30 ms in vain for the light: still dark');
});
