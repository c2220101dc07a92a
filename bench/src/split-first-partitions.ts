export const PARTITIONED = ['events', 'finished_deliveries', 'earlier_attempts'] as const;

/** As wide as retention makes them with the default RETENTION_DAYS (core/retention/partitions.ts). */
const WIDTH = `interval '7 days'`;

/** Replaces the empty first partition of each table, which has no lower bound, by those that Posthorn would have after this many days. */
export async function splitFirstPartitions(
  query: (text: string) => Promise<unknown>,
  { days }: { days: number },
): Promise<void> {
  for (const table of PARTITIONED)
    await query(`DO $$
DECLARE
  until timestamptz;
BEGIN
  SELECT to_timestamp(('x' || left(replace(substring(pg_get_expr(relpartbound, oid) FROM 'TO ..([0-9a-f-]{36})'), '-', ''), 12))::bit(48)::bigint / 1000.0)
    INTO STRICT until FROM pg_class WHERE oid = '${table}_first'::regclass;
  DROP TABLE ${table}_first;
  WHILE until > now() - interval '${days} days' LOOP
    EXECUTE format('CREATE TABLE %I PARTITION OF ${table} FOR VALUES FROM (%L) TO (%L)',
      '${table}_' || to_char((until - ${WIDTH}) AT TIME ZONE 'UTC', 'YYYYMMDD'), posthorn_uuid_at(until - ${WIDTH}), posthorn_uuid_at(until));
    until := until - ${WIDTH};
  END LOOP;
END $$`);
}
