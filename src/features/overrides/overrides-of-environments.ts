import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditService } from '../../audit/audit.service.js';
import { EnvironmentChanges } from '../../environments/environment-changes.js';

/** What organizations override in an environment goes with it, and each finds in its trail what it was. */
@Injectable()
export class OverridesOfEnvironments implements OnModuleInit {
  constructor(
    private readonly environments: EnvironmentChanges,
    private readonly audit: AuditService,
  ) {}

  onModuleInit(): void {
    this.environments.onRemoving((em, actor, key) =>
      this.audit.recordForEach(
        em,
        actor,
        'feature.overrides_removed',
        { userId: null, target: { type: 'environment', id: key } },
        // What has expired had no effect.
        {
          sql: `removed as (delete from organization_feature_settings where environment_key = ? returning *),
            found as (
              select organization_id, ?::text as target_id, null::jsonb as after, jsonb_object_agg(feature_key, jsonb_build_object(
                       'value', value, 'expiresAt', expires_at, 'reason', reason)) as before
                from removed where expires_at is null or expires_at > now() group by organization_id)`,
          values: [key, key],
        },
      ),
    );
  }
}
