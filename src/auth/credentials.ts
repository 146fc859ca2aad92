import type { FastifyRequest } from 'fastify';
import { type Problem, problem } from '../kernel/problem.js';
import type { LimitsService } from '../limits/limits.service.js';
import { looksLikeApiKey } from './api-keys/key-format.js';

const BEARER = /^Bearer ([A-Za-z0-9._~+/=-]+)$/i;
const WRONG_TOKEN = { 'www-authenticate': 'Bearer error="invalid_token"' };

/**
 * The access token or API key that a request shows.
 * @throws Problem `authentication_required` for none; `token_invalid` for what is in no form of one, and for two: they
 * might be two people's.
 */
export function credentialOf({ headers }: Pick<FastifyRequest, 'headers'>): string {
  const { authorization, 'x-api-key': key } = headers;
  if (authorization !== undefined && key !== undefined)
    throw problem('token_invalid', { detail: 'Authorization and X-API-Key do not go together; send one of them' });
  if (key !== undefined) {
    if (typeof key !== 'string' || !looksLikeApiKey(key)) throw problem('token_invalid');
    return key;
  }
  if (authorization === undefined)
    throw problem('authentication_required', { headers: { 'www-authenticate': 'Bearer' } });
  const token = BEARER.exec(authorization)?.[1];
  if (token === undefined) throw problem('token_invalid');
  return token;
}

/** Counts a refused credential, so that a flood of them meets a limit too, and completes its headers. */
export async function countRefused(refusal: Problem, limits: LimitsService, ip: string): Promise<Problem> {
  const headers = await limits.hit('api', { ip, route: 'unauthenticated' }, ['ip']);
  Object.assign(refusal.headers, refusal.code === 'token_invalid' && WRONG_TOKEN, headers);
  return refusal;
}
