/** What Redis' error codes, Postgres' SQLSTATEs and BullMQ's errors say about a queue that responds but takes no job. */
const REASONS: Record<string, string> = {
  READONLY: 'Redis is a read-only replica: REDIS_URL must name the primary',
  OOM: 'Redis is out of memory: raise its maxmemory',
  CROSSSLOT: 'Redis runs as a cluster, which is not supported: use a single primary',
  MOVED: 'Redis runs as a cluster, which is not supported: use a single primary',
  CLUSTERDOWN: 'Redis runs as a cluster, which is not supported: use a single primary',
  NOPERM: 'the Redis user lacks permissions: it must be able to run scripts and to write all keys of the queue',
  NOAUTH: 'Redis requires a password: put it in REDIS_URL',
  WRONGPASS: 'Redis refuses the user name or password in REDIS_URL',
  MISCONF: 'Redis takes no writes, since it cannot save its data to disk',
  NOREPLICAS: 'Redis takes no writes, since too few replicas are connected',
  LOADING: 'Redis is still loading its data',
  '25006': 'Postgres is read-only: the database URL must name the primary',
  '42501': 'the Postgres user lacks permissions on the tables of the queue',
  SchemaMigrationRequiredError: 'the tables of the queue are missing: run the migrations',
  '53100': 'the disk of Postgres is full',
};

/** Says why the queue took no job, for health responses: no host name, no user name. */
export function refusalReason(error: unknown): string {
  if (!(error instanceof Error)) return DOES_NOT_RESPOND;
  const sqlState = 'severity' in error && 'code' in error ? String(error.code) : '';
  // Redis' protocol puts the code first in the message.
  const [redisCode = ''] = error.name === 'ReplyError' ? error.message.split(' ') : [];
  const known = REASONS[sqlState] ?? REASONS[redisCode] ?? REASONS[error.name];
  if (known) return known;
  if (sqlState) return `Postgres refuses the job: ${sqlState}`;
  return redisCode ? `Redis refuses the job: ${redisCode}` : DOES_NOT_RESPOND;
}

const DOES_NOT_RESPOND = 'it does not respond';
