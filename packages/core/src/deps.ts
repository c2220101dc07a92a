import type { Enqueue } from '@posthorn/jobs';
import type { Cipher } from './cipher.js';
import type { Database } from './database.js';

export type { Due, Enqueue, QueueName, RunningJob } from '@posthorn/jobs';

/** The dependencies of the verbs, passed in by apps and tests. */
export interface Deps {
  db: Database;
  enqueue: Enqueue;
  cipher: Cipher;
}
