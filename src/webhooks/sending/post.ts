import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { NAME, VERSION } from '../../kernel/version.js';
import type { Target } from './target.js';

/** What is read of an answer. */
const BODY_BYTES = 1_024;

/** What a receiver said. */
export interface Reply {
  status: number;
  retryAfter: string | undefined;
  /** The beginning of its body. */
  body: string;
}

/**
 * Posts JSON to a target: over a connection of its own, to the addresses that were checked and no other, without
 * following redirects. What follows the first KiB of the answer is not read.
 * @throws what Node throws when there is no answer, and the reason of `signal`.
 */
export async function post(
  { url, addresses }: Target,
  headers: Record<string, string>,
  body: string,
  signal: AbortSignal,
): Promise<Reply> {
  const lookup: LookupFunction = (_host, { all }, answer) =>
    all ? answer(null, addresses) : answer(null, addresses[0]!.address, addresses[0]!.family);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const request = send(url, {
    method: 'POST',
    agent: false,
    lookup,
    signal,
    headers: {
      ...headers,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': `${NAME}/${VERSION}`,
    },
  });
  // An answer that changes the protocol (101) closes it without an error.
  request
    .on('response', resolve)
    .on('error', reject)
    .on('close', () => reject(new Error('closed')))
    .end(body);
  const response = await promise;
  try {
    return {
      status: response.statusCode!,
      retryAfter: response.headers['retry-after'],
      body: await beginningOf(response),
    };
  } finally {
    request.destroy();
  }
}

/** The status stands by now: an answer that breaks off, or never ends, takes nothing away from it. */
async function beginningOf(response: IncomingMessage): Promise<string> {
  let read = Buffer.alloc(0);
  try {
    for await (const chunk of response) {
      read = Buffer.concat([read, chunk as Buffer]);
      if (read.length >= BODY_BYTES) break;
    }
  } catch {
    // What came is what there is.
  }
  return read
    .subarray(0, BODY_BYTES)
    .toString('utf8')
    .replaceAll(/\p{Cc}/gu, ' ')
    .trim();
}
