/** A node of `EXPLAIN (ANALYZE, BUFFERS, FORMAT json)`. */
export interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Subplan Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Join Filter'?: number;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: PlanNode[];
}

/** Counts the rows that a statement's scans have read, without the rows that a write reads again to write them. */
export function rowsRead(node: PlanNode, written?: string): number {
  const isScan = /^(?:Seq|Index|Index Only|Bitmap Heap|Tid) Scan$/.test(node['Node Type']);
  const counts = isScan && node['Relation Name'] !== written;
  const own = counts ? (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'] : 0;
  const inner = node['Node Type'] === 'ModifyTable' ? node['Relation Name'] : written;
  return (node.Plans ?? []).reduce((sum, child) => sum + rowsRead(child, inner), own);
}

/** Counts the pairs of rows that nested loops have compared and found different. */
export function pairsCompared(node: PlanNode): number {
  const own = (node['Rows Removed by Join Filter'] ?? 0) * node['Actual Loops']; // Postgres reports the average of the loops
  return (node.Plans ?? []).reduce((sum, child) => sum + pairsCompared(child), own);
}
