import type { Links } from '../links.js';
import { compose, type Mail } from './compose.js';
import { passage, plain } from './plain.js';

/** Why a change of features is its author's again. */
export type ReturnCause = { rejectedBy: string; comment: string | null } | { failure: string };

/** To the author of a change of features that somebody rejected, or that could not be made at its time. */
export function changeRequestReturned(
  data: { name: string; requestId: string; title: string; cause: ReturnCause },
  links: Links,
): Mail {
  const { cause } = data;
  const rejected = 'rejectedBy' in cause;
  return compose({
    subject: rejected ? 'Your change of features was rejected' : 'Your scheduled change of features was not made',
    name: data.name,
    body: [
      `Change: ${plain(data.title)}`,
      ...(rejected
        ? [
            `Rejected by: ${plain(cause.rejectedBy)}`,
            ...(cause.comment === null ? [] : [`Their comment: ${passage(cause.comment)}`]),
          ]
        : [`Nothing of it was made: ${passage(bracketed(cause.failure))}`]),
      `Its id is ${data.requestId}. You can change it, and ask for it again.`,
      { label: 'Sign in', url: links.app },
    ],
  });
}

/** `plans.pro` would be a link, and with a space two sentences: it reads `plans[pro]`. */
function bracketed(text: string): string {
  return text.replace(/(?<=[\p{L}\p{N}_-])\.([\p{L}\p{N}_-]+)/gu, '[$1]');
}
