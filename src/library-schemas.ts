import type { LibrarySchemas } from './database/database.module.js';
import { migrateQueues } from './jobs/queue-schema.js';

/** Schemas that libraries bring; the owner migrates them after ours. */
export const librarySchemas: LibrarySchemas = [(ownerUrl) => migrateQueues(ownerUrl)];
