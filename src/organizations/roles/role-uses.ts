import type { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';

/** Whether somebody has a role of an organization. Runs in the transaction that removes the role, which holds it. */
export type RoleUse = (em: EntityManager, organizationId: string, role: string) => Promise<boolean>;

/** Who has roles of organizations beside members and invitations: rooms above know, such as service accounts. */
@Injectable()
export class RoleUses {
  private readonly uses: RoleUse[] = [];

  register(use: RoleUse): void {
    this.uses.push(use);
  }

  async isUsed(em: EntityManager, organizationId: string, role: string): Promise<boolean> {
    for (const use of this.uses) if (await use(em, organizationId, role)) return true;
    return false;
  }
}
