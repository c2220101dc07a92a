/* oxlint-disable no-empty-pattern -- vitest reads from the pattern which fixtures one needs */
import { inject, it as base } from 'vitest';
import { type Stack, type StackOptions, startStack } from './stack.js';

type Backend = StackOptions['backend'];

const started = new Map<Backend, Promise<Stack>>();

function startOnce(backend: Backend): Promise<Stack> {
  const stack = started.get(backend) ?? startStack({ backend });
  started.set(backend, stack);
  return stack;
}

/** A test with a stack that all files of a vitest worker share. It has the default settings. Its tests make their own accounts and
 *  tolerate those of others. They change no settings, end no process, and count nothing over all accounts.
 *  `sharedStackOn` is one per queue; `sharedStack` is that on Redis, or on Postgres if the machine has no Redis. */
export const it = base
  .extend('sharedStackOn', { scope: 'worker' }, ({}, { onCleanup }) => {
    // At the end of the worker, once for each `it` with this fixture.
    onCleanup(async () => {
      await Promise.all([...started.values()].map(async (stack) => (await stack).stop()));
    });
    return startOnce;
  })
  .extend('sharedStack', { scope: 'worker' }, ({ sharedStackOn }) =>
    sharedStackOn(inject('queueBackends')[0] ?? 'postgres'),
  );
