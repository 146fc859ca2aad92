import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { type RowSecurityReport, tryRowSecurity } from '../../database/row-security.js';
import { asSystem } from '../../database/tenant-context.js';

/** What an operator can have shown of the installation's security. */
@Injectable()
export class SecurityReports {
  constructor(private readonly em: EntityManager) {}

  /** Tries row security on every table of tenants; nothing of it stays. */
  rowSecurity(): Promise<RowSecurityReport> {
    return asSystem(this.em, (em) => tryRowSecurity((sql) => em.execute(sql)));
  }
}
