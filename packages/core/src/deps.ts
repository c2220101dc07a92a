import type { Enqueue } from '@posthorn/jobs';
import type { Cipher } from './cipher.js';
import type { Database } from './database.js';

export type { Due, Enqueue, QueueName } from '@posthorn/jobs';

/** What the verbs need; handed in, so that tests and apps choose. */
export interface Deps {
  db: Database;
  enqueue: Enqueue;
  cipher: Cipher;
}
