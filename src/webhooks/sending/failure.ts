import { Problem } from '../../kernel/problem.js';
import { TargetRefused } from './target.js';

const SENTENCES: [RegExp, string][] = [
  [/^ECONNREFUSED$/, 'The connection was refused'],
  [/^(EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/, 'The host cannot be reached'],
  [/^(ECONNRESET|EPIPE)$/, 'The connection was closed before there was an answer'],
  [/^HPE_/, 'The answer was no HTTP'],
  [/CERT|SELF_SIGNED|UNABLE_TO|TLS|SSL|^EPROTO$/, 'The certificate, or the encryption, is not right'],
];

/** Why there was no answer, in words of ours: what the system says would tell of the networks around it. */
export function describeFailure(error: unknown): string {
  if (error instanceof TargetRefused) return error.message;
  if (error instanceof Problem) return 'DNS gave no answer about the host';
  const { name, code = '' } = error as NodeJS.ErrnoException;
  if (name === 'AbortError' || name === 'TimeoutError' || code === 'ETIMEDOUT') return 'No answer in time';
  return SENTENCES.find(([codes]) => codes.test(code))?.[1] ?? 'The request failed';
}

/** Why an answer is none of success; null for one that is. */
export function describeStatus(status: number): string | null {
  if (status >= 200 && status < 300) return null;
  if (status >= 300 && status < 400) return 'Redirects are not followed; change the address instead';
  if (status === 410) return 'The receiver wants no more events (410 Gone)';
  return `The receiver answered ${status}`;
}
