export { openAvailability, type Availability } from './availability.js';
export { migrateQueues, type QueueConnection } from './backend.js';
export { chooseQueue } from './choose-queue.js';
export {
  type Due,
  type Enqueue,
  QUEUES,
  QUEUE_NAMES,
  type QueueName,
  type DueJob,
  type RunningJob,
  toJobId,
} from './catalog.js';
export { openConsumer, type Consumer, type ConsumerOptions } from './consumer.js';
export type { JobEnd } from './end-job.js';
export { openProducer, type Producer, type QueueCheck } from './producer.js';
export { findJob, type JobPlace, subjectsOf } from './find-job.js';
export type { QueueMetrics } from './queue-metrics.js';
