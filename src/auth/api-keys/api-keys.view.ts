import { ApiProperty } from '@nestjs/swagger';
import { PageLinks, PageMeta } from '../../kernel/lists.js';
import { isPermission, type Permission, SCOPES } from '../../kernel/permissions.js';
import type { ApiKeyRow } from './api-keys.queries.js';
import type { KeyWithSecret } from './api-keys.service.js';

/** Whose key it is. */
export class ApiKeyOwnerView {
  /** A person, who has to be a member, or a service account. */
  @ApiProperty({ enum: ['user', 'service_account'], example: 'service_account' })
  kind!: 'user' | 'service_account';
  /**
   * Id of the person or account.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f01
   */
  id!: string;
  /** What they are called. */
  @ApiProperty({ type: String, nullable: true, example: 'Deployment' })
  name!: string | null;
}

/** An API key, without what it is. */
export class ApiKeyView {
  /**
   * Id of the key; it stays when the key is rotated.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f02
   */
  id!: string;
  /**
   * What it is called.
   * @example "Checkout, production"
   */
  name!: string;
  /**
   * Its last four characters.
   * @example 3kQz
   */
  hint!: string;
  /**
   * Key of the environment that it is for.
   * @example production
   */
  environment!: string;
  /** What it is for; its owner's rights bound it. */
  @ApiProperty({ enum: SCOPES, isArray: true, example: ['features:read', 'features:evaluate'] })
  scopes!: Permission[];
  /** Whose it is. */
  owner!: ApiKeyOwnerView;
  /**
   * When it was made.
   * @example 2026-11-21T08:00:00.000Z
   */
  createdAt!: string;
  /** Until when it works; null for one without an end. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2099-12-31T00:00:00.000Z' })
  expiresAt!: string | null;
  /** Until when the secret before the present one works; null when it does not. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  previousKeyExpiresAt!: string | null;
  /** When it was last used, up to a minute late. */
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: '2026-11-21T09:00:00.000Z' })
  lastUsedAt!: string | null;
}

/** An API key with its secret, which is shown this once. */
export class ApiKeySecretView extends ApiKeyView {
  /** The key itself. It is not stored, and cannot be shown again. */
  @ApiProperty({ example: 'tnn_…' })
  key!: string;
}

/** A page of API keys. */
export class ApiKeyPageView {
  /** The keys of this page. */
  data!: ApiKeyView[];
  /** Where this page stands. */
  meta!: PageMeta;
  /** Neighbouring pages. */
  links!: PageLinks;
}

export function toApiKeyView(row: ApiKeyRow): ApiKeyView {
  return {
    id: row.id,
    name: row.name,
    hint: row.hint,
    environment: row.environment_key,
    scopes: row.scopes.filter(isPermission),
    owner: {
      kind: row.user_id === null ? 'service_account' : 'user',
      id: (row.user_id ?? row.service_account_id)!,
      name: row.owner_name,
    },
    createdAt: toIso(row.created_at)!,
    expiresAt: toIso(row.expires_at),
    previousKeyExpiresAt: toIso(row.previous_key_expires_at),
    lastUsedAt: toIso(row.last_used_at),
  };
}

export function toApiKeySecretView({ row, key }: KeyWithSecret): ApiKeySecretView {
  return { ...toApiKeyView(row), key };
}

function toIso(time: string | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}
