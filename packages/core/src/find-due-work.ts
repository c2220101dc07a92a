import type pg from 'pg';

/** The kinds of background work that workers do in steps, each with the statement that reads its first due row. */
const DUE = {
  verifications: 'SELECT true FROM verifications WHERE leased_until <= now() ORDER BY leased_until LIMIT 1',
  fanOuts: 'SELECT true FROM fan_outs WHERE completed_at IS NULL ORDER BY account_id LIMIT 1',
  settlements: 'SELECT true FROM settlements WHERE due_at <= now() ORDER BY due_at LIMIT 1',
  catchUps: 'SELECT true FROM catch_ups WHERE due_at <= now() ORDER BY due_at LIMIT 1',
  replays: `SELECT true FROM replays WHERE status = 'running' ORDER BY advanced_at LIMIT 1`,
  replayCounts: 'SELECT true FROM replays WHERE settled_at IS NULL AND tally_at <= now() ORDER BY tally_at LIMIT 1',
  operationalEvents: 'SELECT true FROM operational_events LIMIT 1',
};

export type DueWork = keyof typeof DUE;

const kinds = Object.keys(DUE) as DueWork[];
const FIND = `SELECT ${kinds.map((kind) => `(${DUE[kind]}) AS "${kind}"`).join(', ')}`;

/** Returns the kinds of work of which some is due, in one statement. The work itself may then find that another process does it.
 *  A scalar subquery with ORDER BY reads one index entry each, whatever statistics the plan was made with. Uses
 *  verifications_leased_until_idx, fan_outs_expanding_idx, settlements_due_idx, catch_ups_due_idx, replays_running_idx and
 *  replays_unsettled_idx. */
export async function findDueWork(pool: pg.Pool): Promise<DueWork[]> {
  const { rows } = await pool.query<Record<DueWork, true | null>>({ name: 'find-due-work', text: FIND });
  return kinds.filter((kind) => rows[0]?.[kind]);
}
