import type { Links } from '../links.js';
import { shown } from '../../kernel/numbers.js';
import { compose, type Mail } from './compose.js';
import { moment } from './duration.js';
import { plain } from './plain.js';

/** What is wrong with the cleanup. `type` is what people call it, `at` in ISO 8601. */
export type CleanupTrouble =
  | { kind: 'failed'; type: string; message: string }
  | { kind: 'growing'; type: string; expired: number }
  | { kind: 'missed' | 'late'; schedule: string; at: string };

/** To each platform admin, once for each cause. */
export function cleanupAlert(data: { name: string; troubles: CleanupTrouble[] }, links: Links): Mail {
  return compose({
    subject: 'The cleanup needs attention',
    name: data.name,
    body: [
      ...data.troubles.map((trouble) => `• ${tell(trouble)}`),
      'Each of these is told once. It is told again when it was over and comes back, a day later at the earliest.',
      { label: 'Sign in', url: links.app },
    ],
  });
}

function tell(trouble: CleanupTrouble): string {
  switch (trouble.kind) {
    case 'failed':
      return `${plain(trouble.type)}: the last run gave up, after errors: ${plain(trouble.message)}`;
    case 'growing':
      return `${plain(trouble.type)}: more and more has expired and is still there, ${shown(trouble.expired)} rows. For a day there have never been as few as there were at the most on the day before.`;
    case 'missed':
      return `${plain(trouble.schedule)} has not run: it was due on ${moment(trouble.at)}.`;
    case 'late':
      return `${plain(trouble.schedule)} ran late: it was due on ${moment(trouble.at)}.`;
  }
}
