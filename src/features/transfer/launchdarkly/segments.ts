import { equal } from '../../evaluator/values.js';
import type { Json } from '../../../kernel/json.js';
import type { ConditionData } from '../../evaluator/model.js';
import { Keys } from '../foreign-names.js';
import type { NotCarriedOver, Placed } from '../import-source.js';
import { toConditions } from './conditions.js';
import type { LaunchDarklyDocument, LaunchDarklySegment } from './document.js';

/** The segments of a document: there they are of an environment, here of the installation. */
export class Segments {
  readonly entries: Placed<object>[] = [];
  private readonly keys = new Map<string, string>();

  constructor({ segments = {} }: LaunchDarklyDocument, notes: NotCarriedOver[]) {
    const keys = new Keys('segment', notes);
    const all = Object.entries(segments).flatMap(([environment, list]) =>
      list.map((segment, at) => ({ environment, segment, path: `document.segments.${environment}.${at}` })),
    );
    for (const same of Map.groupBy(all, ({ segment }) => segment.key).values()) {
      const translated = same.flatMap((one) => {
        const when = toWhen(one.segment);
        if (typeof when !== 'string') return [{ ...one, when }];
        notes.push({ path: one.path, what: `the segment "${one.segment.key}" of ${one.environment}`, why: when });
        return [];
      });
      const [first] = translated;
      const isOne = translated.every(({ when }) => equal(when as unknown as Json, first!.when as unknown as Json));
      let shared: string | null = null;
      for (const { environment, segment, path, when } of translated) {
        const { name = segment.key, description } = segment;
        const isNew: boolean = !isOne || shared === null;
        const key: string | null = isNew
          ? keys.give(isOne ? segment.key : `${segment.key}.${environment}`, path)
          : shared;
        if (key === null) continue;
        if (isNew) this.entries.push({ path, entry: { key, name, description: description || null, when } });
        shared = key;
        this.keys.set(`${environment} ${segment.key}`, key);
      }
    }
  }

  /** The key that a segment of an environment has here. */
  of(environment: string, key: string): string | undefined {
    return this.keys.get(`${environment} ${key}`);
  }
}

/** One list of conditions that all hold for who is in it; or why there is none. */
function toWhen(segment: LaunchDarklySegment): ConditionData[] | string {
  const { included, excluded, rules, includedContexts, excludedContexts, unbounded } = segment;
  const [inside, outside, lists] = [included ?? [], excluded ?? [], rules ?? []];
  if (unbounded) return 'Its people are kept apart from it, and the export does not hold them';
  if ((includedContexts ?? []).length + (excludedContexts ?? []).length > 0) return 'It names other things than people';
  const isOneList = inside.length > 0 ? lists.length === 0 : lists.length === 1;
  if (!isOneList) return 'Conditions of a segment all have to hold: it is made of several lists, or of none';
  const [rule] = lists;
  if (rule?.weight != null) return 'A segment is no percentage of people';
  const asked = toConditions(rule?.clauses ?? [{ attribute: 'key', op: 'in', values: inside }], () => undefined);
  if ('why' in asked) return asked.why;
  if (outside.length === 0) return asked.when;
  const without = toConditions([{ attribute: 'key', op: 'in', negate: true, values: outside }], () => undefined);
  return 'why' in without ? without.why : [...asked.when, ...without.when];
}
