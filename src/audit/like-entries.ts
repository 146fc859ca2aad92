/** What each of many entries says for itself. */
const OWN = ['organization_id', 'target_id', 'before', 'after'];
/** What all of them have from the one that they are like. */
const SHARED = [
  'occurred_at',
  'actor_kind',
  'actor_id',
  'actor_name',
  'actor_role',
  'impersonator_id',
  'session_id',
  'api_key_id',
  'user_id',
  'action',
  'outcome',
  'target_type',
  'reason',
  'ip',
  'user_agent',
  'request_id',
];

/**
 * SQL of an `insert` that leaves an entry for each row of a table or a part of the statement, for changes of thousands of
 * rows at once, by the system role. Its one parameter is `AuditService.entryForMany`: what they are like.
 * @param source has the columns `organization_id`, `target_id`, `before` and `after`.
 */
export function insertEntriesLike(source: string): string {
  return `insert into audit_log (id, ${[...OWN, ...SHARED].join(', ')})
    select uuid_v7(), ${[...OWN.map((column) => `each.${column}`), ...SHARED.map((column) => `entry.${column}`)].join(', ')}
      from ${source} each, jsonb_populate_record(null::audit_log, ?::jsonb) entry`;
}
