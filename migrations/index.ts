import { Migration20261121000100_foundation } from './Migration20261121000100_foundation.js';
import { Migration20261121000200_audit } from './Migration20261121000200_audit.js';

/** Every migration, in the order in which they run. */
export const migrations = [
  { name: 'Migration20261121000100_foundation', class: Migration20261121000100_foundation },
  { name: 'Migration20261121000200_audit', class: Migration20261121000200_audit },
];
