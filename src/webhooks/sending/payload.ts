import type { EntryFacts } from '../../audit/audit-log.view.js';

/** What is posted of an event, as JSON. */
export interface Payload {
  type: string;
  timestamp: string;
  data: Omit<EntryFacts, 'action' | 'occurredAt'>;
}

/** What is posted: the same for each try, since an entry never changes. */
export function toPayload({ action, occurredAt, ...data }: EntryFacts): Payload {
  return { type: action, timestamp: occurredAt, data };
}
