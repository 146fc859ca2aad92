import type { TestApp } from './app.js';

/** An answer of OFREP, with what tests look at. */
export interface FlagsAnswer {
  status: number;
  /** Of JSON; null where there is none. */
  body: any; // oxlint-disable-line typescript/no-explicit-any
  etag: string | null;
  headers: Headers;
}

/** Asks for flags as a client does; without a key for all of them. */
export async function askFlags(
  { url }: Pick<TestApp, 'url'>,
  auth: Record<string, string>,
  { key, context = {}, ...headers }: { key?: string; context?: unknown; 'if-none-match'?: string } = {},
): Promise<FlagsAnswer> {
  const answer = await fetch(`${url}/ofrep/v1/evaluate/flags${key === undefined ? '' : `/${key}`}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...auth, ...headers },
    body: JSON.stringify({ context }),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    body: text ? JSON.parse(text) : null,
    etag: answer.headers.get('etag'),
    headers: answer.headers,
  };
}
