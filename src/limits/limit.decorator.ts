import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import type { LimitedBy, LimitedByOf, LimitKind } from './limits.js';
import { BY_DEFAULT } from './limits.service.js';

export const LIMIT = Symbol('limit');
/** Where the OpenAPI document says which limit an operation has. */
export const LIMIT_EXTENSION = 'x-rate-limit';
/** Marks an operation of the document until its 429 is taken out. */
export const UNLIMITED_EXTENSION = 'x-unlimited';

/** The limit of a route; null for none. */
export type RouteLimit = { kind: LimitKind; by: readonly LimitedBy[] } | null;

/** What holds for a route that says nothing. */
export const DEFAULT_LIMIT: RouteLimit = { kind: 'api', by: BY_DEFAULT };

/**
 * Says which limit a route has, for the guard and the OpenAPI document. On a class it holds for every route of it.
 * @param by whom it counts; the account unless said, and the address where nobody is signed in. `recipient` is the
 * `email` of the body: name it on routes that send a mail there.
 */
export function Limit<K extends LimitKind>(
  kind: K,
  { by }: { by?: readonly LimitedByOf<K>[] } = {},
): MethodDecorator & ClassDecorator {
  return declare({ kind, by: by ?? BY_DEFAULT });
}

/** A route without any limit: for probes, which have to be answered also while the database is down. */
export const Unlimited = (): MethodDecorator & ClassDecorator =>
  applyDecorators(declare(null), ApiExtension(UNLIMITED_EXTENSION, true));

function declare(limit: RouteLimit): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata(LIMIT, limit), ApiExtension(LIMIT_EXTENSION, limit ?? false));
}
