import type { EntityManager } from '@mikro-orm/postgresql';
import { differencesOf } from '../change-log/differences.js';
import { readFollowedHashes } from './change-requests.queries.js';
import { contentHash } from './content-hash.js';
import { findOvertaking, type Overtaking } from './effects.js';
import type { FeatureChangeRequest } from './feature-change-request.entity.js';

const MAX_SHOWN = 3;

/** How a request goes on whose time has passed: an old change is not made by surprise. */
export const OVERDUE =
  'Its time has passed: its author can ask for it anew by PATCH with another `applyAt`, or with {"applyAt": null}';

/** How a request that is outdated, rejected or failed goes on. */
export function anew({ applyAt }: Pick<FeatureChangeRequest, 'applyAt'>): string {
  return applyAt && applyAt <= new Date() ? OVERDUE : 'Its author can ask for it anew by PATCH, also with {}';
}

/** Why a request is not any more what was asked for, or starts from what is not so any more; null: neither. */
export async function whyOutdated(em: EntityManager, request: FeatureChangeRequest): Promise<string | null> {
  // Of itself only somebody who writes past Tenon can have changed it; what it follows, its author.
  if (contentHash(request, await readFollowedHashes(em, request.follows)) !== request.contentHash)
    return 'It, or what it follows, is not any more what it was when it was asked for';
  const overtaking = await findOvertaking(em, request);
  return overtaking.length > 0 ? `Changed since: ${[...new Set(overtaking.map(shown))].join(', ')}` : null;
}

/** What something is about, for a person to read: `configuration reports in production`. */
export function subject({
  kind,
  feature,
  segment,
  environment,
}: Pick<Overtaking, 'kind' | 'feature' | 'segment' | 'environment'>): string {
  return [kind, feature ?? segment, environment && `in ${environment}`].filter(Boolean).join(' ');
}

function shown(change: Overtaking): string {
  const moved = differencesOf(change.before, change.after).map(({ path, text }) => path || text);
  const rest = moved.length > MAX_SHOWN ? [`${moved.length - MAX_SHOWN} more`] : [];
  return `${subject(change)} (${[...moved.slice(0, MAX_SHOWN), ...rest].join(', ')})`;
}
