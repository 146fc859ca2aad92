import type { EntityManager } from '@mikro-orm/postgresql';
import type { AuditService } from '../../audit/audit.service.js';
import { asSystem } from '../../database/tenant-context.js';
import type { Schedule } from '../../jobs/schedules.js';
import { Actor } from '../../kernel/actor.js';
import type { OrganizationAccess } from '../access/organization-access.js';

const BATCH = 100;
const DUE = `status = 'deleted' and purge_after <= now()`;

/** What the schedule works with. */
interface Tools {
  em: EntityManager;
  access: OrganizationAccess;
  audit: AuditService;
}

/** The schedule that removes organizations whose 30 days are over. */
export function purgeSchedule(tools: Tools): Schedule {
  return {
    id: 'organizations-purge',
    description: 'Removes organizations that were deleted 30 days ago, with everything of them but their trail',
    schedule: '20 3 * * *',
    run: (signal) => purgeOrganizations(tools, signal),
  };
}

/**
 * Removes the organizations that are due, each in a transaction of its own with its entry in the trail: killed in
 * between, the next run goes on with those that are left.
 * @param signal ends it after the organization that is being removed.
 * @returns how many it removed.
 */
export async function purgeOrganizations(tools: Tools, signal?: AbortSignal): Promise<number> {
  let purged = 0;
  for (;;) {
    const due = await asSystem(tools.em, (em) =>
      em.execute<{ id: string }[]>(`select id from organizations where ${DUE} order by purge_after limit ?`, [BATCH]),
    );
    for (const { id } of due) {
      if (signal?.aborted) return purged;
      if (await purgeOrganization(tools, id)) purged += 1;
    }
    if (due.length < BATCH) return purged;
  }
}

/** @returns false when it was restored meanwhile, or is gone. */
async function purgeOrganization({ em, access, audit }: Tools, id: string): Promise<boolean> {
  const removed = await asSystem(em, async (system) => {
    // In the order of locks: an account that is erased at the same time waits here, and not in a circle.
    await system.execute(
      'select from user_organization_membership where organization_id = ? order by user_id for update',
      [id],
    );
    const [organization] = await system.execute<{ name: string; slug: string; member_count: number }[]>(
      `delete from organizations where id = ? and ${DUE} returning name, slug, member_count`,
      [id],
    );
    if (!organization) return false;
    const { name, slug, member_count: members } = organization;
    audit.record(Actor.system('organizations-purge'), 'organization.purged', {
      organizationId: id,
      target: { type: 'organization', id },
      before: { name, slug, members },
    });
    await access.announce(system, id);
    return true;
  });
  if (removed) access.changed([id]);
  return removed;
}
