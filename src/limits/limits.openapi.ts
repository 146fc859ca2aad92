import type { OpenAPIObject } from '@nestjs/swagger';
import { API_KEY_SCHEME } from '../kernel/authorize.js';
import { DEFAULT_LIMIT, LIMIT_EXTENSION, type RouteLimit, UNLIMITED_EXTENSION } from './limit.decorator.js';
import { countsKeys } from './limits.js';

const text = (description: string, example: string) => ({ description, schema: { type: 'string' as const }, example });
const whole = (description: string, example: number) => ({
  description,
  schema: { type: 'integer' as const },
  example,
});

/** The headers of every limited answer, as components of the document. */
const HEADERS = {
  RateLimit: text(
    'For each limit, requests left (`r`) and seconds until its window ends (`t`)',
    '"api-account";r=599;t=60',
  ),
  'RateLimit-Policy': text(
    'For each limit, requests (`q`) in a window of so many seconds (`w`)',
    '"api-account";q=600;w=60',
  ),
  'X-RateLimit-Limit': whole('Requests in a window of the limit that is closest to its end', 600),
  'X-RateLimit-Remaining': whole('Requests left in it', 599),
  'X-RateLimit-Reset': whole('Seconds until it ends', 60),
};
const RETRY_AFTER = { 'Retry-After': whole('Seconds to wait', 60) };

interface Operation {
  responses: Record<string, { headers?: object; $ref?: string }>;
  security?: object[];
  [LIMIT_EXTENSION]?: RouteLimit | false | { kind: string; by: readonly string[] };
  [UNLIMITED_EXTENSION]?: true;
}

/** Adds the limits' headers to every answer that carries them, and to each operation the limit that it has. */
export function documentLimits(document: OpenAPIObject): void {
  document.components = {
    ...document.components,
    headers: { ...document.components?.headers, ...HEADERS, ...RETRY_AFTER },
  };
  for (const path of Object.values(document.paths))
    for (const operation of Object.values(path as Record<string, Operation>)) {
      const limit = (operation[LIMIT_EXTENSION] ?? DEFAULT_LIMIT) as RouteLimit | false;
      operation[LIMIT_EXTENSION] = limit;
      if (!limit) {
        // Said of every route; OFREP, which has no such mark, refuses by rules of its own.
        if (operation[UNLIMITED_EXTENSION]) delete operation.responses['429'];
        delete operation[UNLIMITED_EXTENSION];
        continue;
      }
      // Where an API key is shown, it is what is counted.
      if (countsKeys(limit.kind) && operation.security?.some((scheme) => API_KEY_SCHEME in scheme))
        operation[LIMIT_EXTENSION] = { ...limit, by: [...limit.by, 'key'] };
      for (const [status, response] of Object.entries(operation.responses)) {
        if (Number(status) < 400) response.headers = { ...response.headers, ...references(HEADERS) };
        if (status === '429') response.headers = { ...response.headers, ...references({ ...HEADERS, ...RETRY_AFTER }) };
      }
    }
}

function references(headers: object): Record<string, { $ref: string }> {
  return Object.fromEntries(Object.keys(headers).map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
