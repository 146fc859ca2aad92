import { ACTIONS } from '../audit/sentences.js';

/** Every type of event: what the trail can say. */
export const EVENT_TYPES = ACTIONS;

/** What an endpoint can listen to: one type, all of an area (`member.*`), or everything (`*`). */
export const EVENT_FILTERS: readonly string[] = [
  '*',
  ...new Set(EVENT_TYPES.map((type) => `${type.split('.')[0]}.*`)),
  ...EVENT_TYPES,
];
