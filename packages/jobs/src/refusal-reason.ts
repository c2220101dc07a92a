/** Explains errors of Redis, Postgres (SQLSTATE) and BullMQ for a queue that responds but accepts no job. */
const REASONS: Record<string, string> = {
  READONLY: 'Redis is a read-only replica: REDIS_URL must name the primary',
  OOM: 'Redis is out of memory: raise its maxmemory',
  MOVED: 'Redis runs as a cluster: name its nodes in REDIS_CLUSTER_NODES instead of REDIS_URL',
  CLUSTERDOWN: 'the Redis Cluster is down: a part of its hash slots has no primary',
  NOPERM: 'the Redis user lacks permissions: see the ACL line in docs/operate.md',
  NOAUTH: 'Redis requires a password: put it in REDIS_URL, or in REDIS_PASSWORD',
  WRONGPASS: 'Redis refuses the user name or the password',
  MISCONF: 'Redis refuses writes, since it cannot save its data to disk',
  NOREPLICAS: 'Redis refuses writes, since too few replicas are connected',
  LOADING: 'Redis is still loading its data',
  '25006': 'Postgres is read-only: the database URL must name the primary',
  '42501': 'the Postgres user lacks permissions on the tables of the queue',
  SchemaMigrationRequiredError: 'the tables of the queue are missing: run the migrations',
  '53100': 'the disk of Postgres is full',
};

const UNTRUSTED = 'the certificate of Redis is not trusted: name its authority in REDIS_TLS_CA_FILE';
/** Why there is no connection, by Node's error codes. */
const CONNECTION_REASONS: Record<string, string> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate of Redis is for another host name',
  CERT_HAS_EXPIRED: 'the certificate of Redis has expired',
};
const DOES_NOT_RESPOND = 'it does not respond';

/** Says why a job could not be enqueued, for health responses: without host and user names. */
export function refusalReason(error: unknown): string {
  if (!(error instanceof Error)) return DOES_NOT_RESPOND;
  // If no node of a Cluster responded, use the error of the last one.
  if ('lastNodeError' in error && error.lastNodeError) return refusalReason(error.lastNodeError);
  if (error.message.startsWith('All sentinels are unreachable')) {
    return 'no Sentinel names the primary: check REDIS_SENTINELS and REDIS_SENTINEL_NAME';
  }
  const code = 'code' in error ? String(error.code) : '';
  const sqlState = 'severity' in error ? code : '';
  const redisCode = redisCodeOf(error);
  const known = REASONS[sqlState] ?? REASONS[redisCode] ?? REASONS[error.name] ?? CONNECTION_REASONS[code];
  if (known) return known;
  if (sqlState) return `Postgres refuses the job: ${sqlState}`;
  return redisCode ? `Redis refuses the job: ${redisCode}` : DOES_NOT_RESPOND;
}

/** The protocol puts the code first in the message. A client of a Cluster that gave up repeats it. */
function redisCodeOf({ name, message }: Error): string {
  const reply =
    name === 'ReplyError'
      ? message
      : /^Too many Cluster redirections\. Last error: ReplyError: (.*)/.exec(message)?.[1];
  return reply?.split(' ')[0] ?? '';
}
