/** The embedded PostgreSQL cannot be had. The message says why and what to do; it is meant for the person who starts Tenon. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
}
