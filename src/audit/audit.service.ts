import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { type Actor, PLATFORM_ADMIN } from '../kernel/actor.js';
import { newId } from '../kernel/ids.js';
import { AuditEntry, type AuditData, type AuditOutcome } from './audit-entry.entity.js';
import { insertEntriesLike } from './like-entries.js';

/** What an entry says beyond who acted. */
export interface AuditFacts {
  target?: { type: string; id: string };
  /** The person that it is about, for their own list of security events; the actor when left out. */
  userId?: string | null;
  organizationId?: string | null;
  before?: AuditData;
  after?: AuditData;
  outcome?: AuditOutcome;
  /** Why, such as the code of a refusal. */
  reason?: string;
}

/** PostgreSQL refuses NUL in text; a header can be 16 KiB. */
const USER_AGENT_MAX = 512;

/** The trail. */
@Injectable()
export class AuditService {
  constructor(private readonly em: EntityManager) {}

  /**
   * Adds an entry to the ambient EntityManager: it commits with the change that it tells of, or not at all. A refusal
   * that has to be remembered commits its entry first and throws then.
   * @param action `area.verb` in the past, such as `session.revoked`.
   * @returns the entry's id.
   */
  record(actor: Actor, action: string, facts: AuditFacts = {}): string {
    const entry = Object.assign(new AuditEntry(), this.compose(actor, action, facts));
    this.em.persist(entry);
    return entry.id;
  }

  /**
   * The same entry as JSON with the columns' names, for a function of the database that makes the change and writes its
   * entry by `insert into audit_log select entry.* from jsonb_populate_record(null::audit_log, …) entry`. Written as
   * `(jsonb_populate_record(…)).*` it would be read 22 times, once for each column.
   */
  entry(actor: Actor, action: string, facts: AuditFacts = {}): string {
    return toColumns(this.compose(actor, action, facts));
  }

  /** What the entries of many organizations are like: who acts on all of them does so as a platform admin. */
  entryForMany(actor: Actor, action: string, facts: AuditFacts): string {
    const actorRole = actor.kind === 'system' ? null : PLATFORM_ADMIN;
    return toColumns({ ...this.compose(actor, action, facts), actorRole });
  }

  /**
   * Adds the same entry to the trail of each organization that is found, in one statement.
   * @param em of a system transaction.
   * @param finding common table expressions, of which `found` has what {@link insertEntriesLike} needs; and their values.
   */
  async recordForEach(
    em: EntityManager,
    actor: Actor,
    action: string,
    facts: AuditFacts,
    finding: { sql: string; values: unknown[] },
  ): Promise<void> {
    const entry = this.entryForMany(actor, action, facts);
    await em.execute(`with ${finding.sql} ${insertEntriesLike('found')}`, [...finding.values, entry]);
  }

  private compose(actor: Actor, action: string, facts: AuditFacts): Partial<AuditEntry> {
    return {
      id: newId(),
      occurredAt: new Date(),
      organizationId: facts.organizationId ?? actor.organizationId,
      actorKind: actor.kind,
      actorId: actor.userId ?? actor.serviceAccountId,
      actorName: actor.name,
      actorRole: actor.role,
      impersonatorId: actor.impersonatorId,
      sessionId: actor.sessionId,
      apiKeyId: actor.apiKey?.id ?? null,
      userId: facts.userId === undefined ? actor.userId : facts.userId,
      action,
      outcome: facts.outcome ?? 'success',
      targetType: facts.target?.type ?? null,
      targetId: facts.target?.id ?? null,
      before: facts.before ?? null,
      after: facts.after ?? null,
      reason: facts.reason ?? null,
      ip: actor.ip,
      userAgent: actor.userAgent?.replaceAll('\0', '').slice(0, USER_AGENT_MAX) ?? null,
      requestId: actor.requestId,
    };
  }
}

function toColumns(entry: Partial<AuditEntry>): string {
  const columns: Record<string, unknown> = {};
  for (const [property, value] of Object.entries(entry)) columns[columnOf(property)] = value;
  return JSON.stringify(columns);
}

/** Twenty for each entry, and always the same: looked for anew, they were a tenth of what a sign-in allocates. */
const columnNames = new Map<string, string>();

function columnOf(property: string): string {
  let column = columnNames.get(property);
  if (column === undefined) {
    column = property.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    columnNames.set(property, column);
  }
  return column;
}
