import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import { cloneDatabase } from '@posthorn/testing';
import pg from 'pg';
import { expect, inject, test } from 'vitest';

// The migrations are written manually and the client is generated from schema.prisma; this test compares the two. It
// applies the migrations to one database and Prisma's own SQL for the schema to another, and compares their catalogues.

test('the migrations and schema.prisma create the same database, except for what Prisma cannot express', async () => {
  const migrated = await cloneDatabase(inject('templateDatabaseUrl'));
  const declared = await cloneDatabase(inject('templateDatabaseUrl'));
  const [inMigrations, inSchema] = await Promise.all([
    onDatabase(migrated.url, readCatalogue),
    onDatabase(declared.url, async (client) => {
      await client.query('drop schema public cascade; create schema public');
      await client.query(await sqlOfSchema(declared.url));
      return readCatalogue(client);
    }),
  ]);
  await Promise.all([migrated.drop(), declared.drop()]);

  expect(inSchema.length).toBeGreaterThan(100);
  expect(inSchema.filter((thing) => !inMigrations.includes(thing))).toEqual([]);
  expect(inMigrations.filter((thing) => !inSchema.includes(thing))).toEqual(ONLY_IN_MIGRATIONS);
  // If rounded to milliseconds, now() may be in the future.
  expect(inMigrations.filter((thing) => / timestamp\([1-5]\) with time zone/.test(thing))).toEqual([]);
});

// What Prisma's schema language cannot express. Each line is asserted, too.
const ONLY_IN_MIGRATIONS = [
  // partial indexes
  'CREATE INDEX accounts_id_search_idx ON public.accounts USING btree (lower("left"((id)::text, 100)) COLLATE "C", id) WHERE (deleted_at IS NULL)',
  'CREATE INDEX accounts_name_search_idx ON public.accounts USING btree (lower("left"(name, 100)) COLLATE "C", id) WHERE (deleted_at IS NULL)',
  'CREATE INDEX earlier_attempts_late_idx ON public.earlier_attempts USING btree (id) WHERE is_late',
  'CREATE INDEX fan_outs_expanding_idx ON public.fan_outs USING btree (account_id, event_id) WHERE (completed_at IS NULL)',
  'CREATE INDEX finished_deliveries_late_idx ON public.finished_deliveries USING btree (attempt_id) WHERE is_late',
  "CREATE INDEX finished_deliveries_outcome_idx ON public.finished_deliveries USING btree (account_id, last_outcome, id) WHERE (last_outcome <> 'ok'::attempt_outcome)",
  'CREATE INDEX finished_deliveries_replay_idx ON public.finished_deliveries USING btree (replay_id, status, id) WHERE (replay_id IS NOT NULL)',
  "CREATE INDEX finished_deliveries_status_idx ON public.finished_deliveries USING btree (account_id, status, id) WHERE (status <> 'succeeded'::delivery_status)",
  "CREATE INDEX finished_deliveries_trigger_idx ON public.finished_deliveries USING btree (account_id, last_trigger, id) WHERE (last_trigger <> 'auto'::attempt_trigger)",
  "CREATE INDEX pending_deliveries_held_idx ON public.pending_deliveries USING btree (subscription_id, id) WHERE (status = 'held'::delivery_status)",
  'CREATE INDEX pending_deliveries_outcome_idx ON public.pending_deliveries USING btree (account_id, last_outcome, id) WHERE (last_outcome IS NOT NULL)',
  'CREATE INDEX pending_deliveries_replay_idx ON public.pending_deliveries USING btree (replay_id, status, id) WHERE (replay_id IS NOT NULL)',
  "CREATE INDEX pending_deliveries_status_idx ON public.pending_deliveries USING btree (account_id, status, id) WHERE (status <> 'pending'::delivery_status)",
  "CREATE INDEX pending_deliveries_trigger_idx ON public.pending_deliveries USING btree (account_id, last_trigger, id) WHERE (last_trigger <> 'auto'::attempt_trigger)",
  "CREATE INDEX replays_account_running_idx ON public.replays USING btree (account_id) WHERE (status = 'running'::replay_status)",
  "CREATE INDEX replays_running_idx ON public.replays USING btree (advanced_at) WHERE (status = 'running'::replay_status)",
  'CREATE INDEX replays_unsettled_idx ON public.replays USING btree (tally_at) WHERE (settled_at IS NULL)',
  "CREATE INDEX subscriptions_account_attention_idx ON public.subscriptions USING btree (account_id, ( CASE WHEN (status = 'active'::subscription_status) THEN failing_since ELSE status_changed_at END), id) WHERE ((deleted_at IS NULL) AND ((status = 'unverified'::subscription_status) OR ((status = 'active'::subscription_status) AND (failing_since IS NOT NULL)) OR ((status = 'disabled'::subscription_status) AND (status_reason <> 'manual'::text))))",
  'CREATE INDEX subscriptions_account_description_search_idx ON public.subscriptions USING btree (account_id, lower("left"(description, 100)) COLLATE "C", id) WHERE (deleted_at IS NULL)',
  'CREATE INDEX subscriptions_account_id_id_live_idx ON public.subscriptions USING btree (account_id, id) WHERE (deleted_at IS NULL)',
  `CREATE INDEX subscriptions_account_url_search_idx ON public.subscriptions USING btree (account_id, lower("left"(regexp_replace(url, '^https?://'::text, ''::text), 100)) COLLATE "C", id) WHERE (deleted_at IS NULL)`,
  "CREATE INDEX subscriptions_attention_idx ON public.subscriptions USING btree (( CASE WHEN (status = 'active'::subscription_status) THEN failing_since ELSE status_changed_at END), id) WHERE ((deleted_at IS NULL) AND ((status = 'unverified'::subscription_status) OR ((status = 'active'::subscription_status) AND (failing_since IS NOT NULL)) OR ((status = 'disabled'::subscription_status) AND (status_reason <> 'manual'::text))))",
  'CREATE INDEX subscriptions_description_search_idx ON public.subscriptions USING btree (lower("left"(description, 100)) COLLATE "C", id) WHERE (deleted_at IS NULL)',
  'CREATE INDEX subscriptions_filtered_idx ON public.subscriptions USING btree (account_id) WHERE ((filter IS NOT NULL) AND (deleted_at IS NULL))',
  `CREATE INDEX subscriptions_url_search_idx ON public.subscriptions USING btree (lower("left"(regexp_replace(url, '^https?://'::text, ''::text), 100)) COLLATE "C", id) WHERE (deleted_at IS NULL)`,
  'CREATE INDEX verifications_leased_until_idx ON public.verifications USING btree (leased_until) WHERE (leased_until IS NOT NULL)',
  'CREATE UNIQUE INDEX secrets_current_key ON public.secrets USING btree (subscription_id) WHERE (expires_at IS NULL)',
  // checks
  "constraint accounts.accounts_id_check CHECK (((id)::text ~ '^[A-Za-z0-9_-]{1,64}$'::text))",
  "constraint finished_deliveries.finished_deliveries_status_check CHECK ((status = ANY (ARRAY['succeeded'::delivery_status, 'failed'::delivery_status, 'canceled'::delivery_status])))",
  "constraint pending_deliveries.pending_deliveries_completed_check CHECK (((status = ANY (ARRAY['succeeded'::delivery_status, 'failed'::delivery_status, 'canceled'::delivery_status])) = (completed_at IS NOT NULL)))",
  "constraint pending_deliveries.pending_deliveries_due_check CHECK (((status = 'pending'::delivery_status) = (due_at IS NOT NULL)))",
  "constraint pending_deliveries.pending_deliveries_leased_check CHECK (((status = 'pending'::delivery_status) OR ((requested_trigger IS NOT NULL) = (leased_until IS NOT NULL))))",
  "constraint pending_deliveries.pending_deliveries_unfinished_check CHECK (((status = ANY (ARRAY['pending'::delivery_status, 'held'::delivery_status])) OR (requested_trigger IS NOT NULL)))",
  "constraint replays.replays_completed_check CHECK (((status <> 'completed'::replay_status) OR ((settled_at IS NOT NULL) AND (pending = 0))))",
  "constraint replays.replays_ended_check CHECK (((status = ANY (ARRAY['running'::replay_status, 'delivering'::replay_status])) = (ended_at IS NULL)))",
  "constraint sessions.sessions_account_check CHECK (((kind = 'operator'::session_kind) = (account_id IS NULL)))",
  'constraint sessions.sessions_hash_check CHECK ((num_nonnulls(hash, link_hash) = 1))',
  "constraint sessions.sessions_key_check CHECK (((kind = 'account'::session_kind) = (key_id IS NOT NULL)))",
  "constraint sessions.sessions_link_check CHECK (((link_hash IS NULL) OR (kind = ANY (ARRAY['portal'::session_kind, 'operator'::session_kind]))))",
  'constraint subscriptions.subscriptions_authentication_origin_check CHECK ((((authentication_sealed IS NULL) = (authentication_origin IS NULL)) AND ((authentication_origin IS NULL) OR (NOT (authentication_origin IS DISTINCT FROM posthorn_url_origin(url))))))',
  'constraint subscriptions.subscriptions_concurrency_limit_check CHECK (((concurrency_limit >= 1) AND (concurrency_limit <= 1000)))',
  'constraint subscriptions.subscriptions_failing_warned_check CHECK ((failing_warned = ANY (ARRAY[0, 50, 75])))',
  'constraint subscriptions.subscriptions_filter_check CHECK ((length(filter) <= 1000))',
  'constraint subscriptions.subscriptions_headers_origin_check CHECK ((((headers_sealed IS NULL) = (headers_origin IS NULL)) AND ((headers_origin IS NULL) OR (NOT (headers_origin IS DISTINCT FROM posthorn_url_origin(url))))))',
  'constraint subscriptions.subscriptions_pending_authentication_origin_check CHECK ((((pending_authentication_sealed IS NULL) = (pending_authentication_origin IS NULL)) AND ((pending_authentication_origin IS NULL) OR (NOT (pending_authentication_origin IS DISTINCT FROM posthorn_url_origin(pending_url))))))',
  'constraint subscriptions.subscriptions_pending_headers_origin_check CHECK ((((pending_headers_sealed IS NULL) = (pending_headers_origin IS NULL)) AND ((pending_headers_origin IS NULL) OR (NOT (pending_headers_origin IS DISTINCT FROM posthorn_url_origin(pending_url))))))',
  'constraint subscriptions.subscriptions_rate_limit_check CHECK (((rate_limit >= 1) AND (rate_limit <= 10000)))',
  "constraint subscriptions.subscriptions_retry_schedule_check CHECK ((json_typeof(retry_schedule) = 'array'::text))",
  'constraint subscriptions.subscriptions_timeout_ms_check CHECK (((timeout_ms >= 100) AND (timeout_ms <= 120000)))',
  // functions and storage
  'function posthorn_add_due_subscription()',
  'function posthorn_add_due_subscriptions()',
  'function posthorn_delivery_id(uuid)',
  'function posthorn_first_delivery_id(uuid)',
  'function posthorn_last_delivery_id(uuid)',
  'function posthorn_passes(jsonb,text)',
  'function posthorn_payload(bytea)',
  'function posthorn_shard(text)',
  'function posthorn_url_origin(text)',
  'function posthorn_uuid_at(timestamp with time zone)',
  'function posthorn_uuidv7()',
  'options due_subscriptions {autovacuum_vacuum_scale_factor=0,autovacuum_vacuum_threshold=5000,autovacuum_vacuum_cost_delay=0}',
  'options pending_deliveries {fillfactor=80,autovacuum_vacuum_scale_factor=0,autovacuum_vacuum_threshold=5000,autovacuum_vacuum_cost_delay=0}',
  'options stats {fillfactor=70}',
  // partitions by time; the existing ones differ between databases
  'partitions earlier_attempts RANGE (delivery_id)',
  'partitions events RANGE (id)',
  'partitions finished_deliveries RANGE (id)',
  'partitions stat_deltas LIST (posthorn_shard((account_id)::text))',
  'relation of kind v attempts',
  'relation of kind v deliveries',
  'trigger pending_deliveries.pending_deliveries_inserted',
  'trigger pending_deliveries.pending_deliveries_updated',
  'trigger subscriptions.subscriptions_circuit_changed',
];

/** Returns everything in the schema `public`, one line each, sorted. */
async function readCatalogue(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ thing: string }>(`
    with ours as (
      select oid, relname, reloptions, relkind from pg_class
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition and relname <> '_prisma_migrations'
    )
    select format('column %s.%s %s', relname, attname, concat_ws(' ',
        format_type(atttypid, atttypmod),
        case when attnotnull then 'not null' end,
        'default ' || pg_get_expr(adbin, adrelid))) as thing
      from ours
      join pg_attribute on attrelid = ours.oid and attnum > 0 and not attisdropped
      left join pg_attrdef on adrelid = ours.oid and adnum = attnum
    union all
    select format('enum %s (%s)', typname, string_agg(enumlabel, ', ' order by enumsortorder))
      from pg_type join pg_enum on enumtypid = pg_type.oid
      where typnamespace = 'public'::regnamespace group by typname
    union all
    select regexp_replace(replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON '), '\\s+', ' ', 'g') from ours join pg_index on indrelid = ours.oid
    union all
    select format('constraint %s.%s %s', relname, conname, pg_get_constraintdef(pg_constraint.oid))
      from ours join pg_constraint on conrelid = ours.oid
      where contype <> 'n' -- not null belongs to the column; from Postgres 18 on it also has a constraint of its own
    union all
    select format('partitions %s %s', relname, pg_get_partkeydef(oid)) from ours where relkind = 'p'
    union all
    select format('options %s %s', relname, reloptions) from ours where reloptions is not null
    union all
    select format('function %s', oid::regprocedure) from pg_proc where pronamespace = 'public'::regnamespace
    union all
    select format('trigger %s.%s', relname, tgname) from ours join pg_trigger on tgrelid = ours.oid where not tgisinternal
    union all
    select format('%s %s', 'relation of kind ' || relkind::text, relname)
      from pg_class where relnamespace = 'public'::regnamespace and relkind not in ('r', 'i', 'p', 'I')
    order by 1`);
  return rows.map(({ thing }) => thing);
}

/** Returns the SQL that Prisma would run on an empty database. Uses the WebAssembly form of its schema engine,
 *  because the other one is a downloaded binary. That form is made for bundlers, so it is instantiated manually
 *  here. */
async function sqlOfSchema(databaseUrl: string): Promise<string> {
  const require = createRequire(import.meta.url);
  const code = require.resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const glue = (await import(/* @vite-ignore */ pathToFileURL(code).href)) as Glue;
  const { instance } = await WebAssembly.instantiate(readFileSync(code.replace(/\.js$/, '.wasm')), {
    './schema_engine_bg.js': glue,
  });
  glue['__wbg_set_wasm'](instance.exports);
  instance.exports['__wbindgen_start']?.();

  const path = 'schema.prisma';
  const content = await readFile(new URL('../../../../prisma/schema.prisma', import.meta.url), 'utf8');
  const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaPg({ connectionString: databaseUrl }));
  const engine = await glue.SchemaEngine.new({ datamodels: [[path, content]] }, () => undefined, adapter);
  const { stdout } = await engine.diff({
    from: { tag: 'empty' },
    to: { tag: 'schemaDatamodel', files: [{ path, content }] },
    script: true,
    exitCode: null,
    filters: { externalTables: [], externalEnums: [] },
  });
  if (!stdout) throw new Error('Prisma returned no SQL for schema.prisma.');
  return stdout;
}

interface Glue {
  __wbg_set_wasm(exports: object): void;
  SchemaEngine: { new: (options: object, log: () => void, adapter: unknown) => Promise<SchemaEngine> };
}
interface SchemaEngine {
  diff(params: object): Promise<{ stdout: string | null }>;
}

// Node has WebAssembly, but its types are in the DOM library, which is not loaded.
declare const WebAssembly: {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: Record<string, () => void> } }>;
};

async function onDatabase<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
