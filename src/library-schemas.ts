import type { LibrarySchemas } from './database/database.module.js';

/** Schemas that libraries bring; the owner migrates them after ours. */
export const librarySchemas: LibrarySchemas = [];
