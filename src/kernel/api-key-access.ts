import type { FastifyRequest } from 'fastify';
import type { Actor } from './actor.js';
import type { Permission } from './permissions.js';

/** What routes outside of the application's guards ask of whoever knows API keys. */
export interface ApiKeyAccess {
  /**
   * Who shows an API key that holds a permission: at once where memory has the answer.
   * @throws Problem `authentication_required`, `token_invalid`, `permission_denied`, and what limits wrong keys.
   */
  authenticate(request: FastifyRequest, permission: Permission): Actor | Promise<Actor>;
  /** Whether a key still holds a permission, for what was opened with it. */
  holds(keyId: string, organizationId: string, permission: Permission): boolean | Promise<boolean>;
  /** Told when keys may have lost something. */
  onChanged(listener: () => void): void;
}
