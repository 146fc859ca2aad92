import { AuditEntry } from './audit/audit-entry.entity.js';

/** Every table that the ORM knows. */
export const entities = [AuditEntry];
