import { EntityManager } from '@mikro-orm/postgresql';
import { Global, Module } from '@nestjs/common';
import { PurgeRules } from '../database/purge-rules.js';
import { Schedules } from '../jobs/schedules.js';
import { AuditLogController } from './audit-log.controller.js';
import { AuditNames } from './audit-names.js';
import { createAuditPartitions } from './audit.cleanup.js';
import { auditPurge } from './audit.purge.js';
import { AuditQueries } from './audit.queries.js';
import { AuditService } from './audit.service.js';
import { OrganizationAuditLogController } from './organization-audit-log.controller.js';
import { SecurityEventsController } from './security-events.controller.js';

/** The trail, open to every room above. */
@Global()
@Module({
  controllers: [AuditLogController, OrganizationAuditLogController, SecurityEventsController],
  providers: [AuditService, AuditQueries, AuditNames],
  exports: [AuditService, AuditNames],
})
export class AuditModule {
  constructor(schedules: Schedules, purge: PurgeRules, em: EntityManager) {
    purge.add(auditPurge);
    schedules.register({
      id: 'audit-partitions',
      description: 'Makes the partitions of the audit log for the months to come',
      schedule: '40 0 * * *',
      run: () => createAuditPartitions(em),
    });
  }
}
