import { Global, Module } from '@nestjs/common';
import { AuditService } from './audit.service.js';

/** The trail, open to every room above. */
@Global()
@Module({ providers: [AuditService], exports: [AuditService] })
export class AuditModule {}
