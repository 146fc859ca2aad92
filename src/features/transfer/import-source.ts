import type { CreateEnvironmentRequest } from '../../environments/environments.dto.js';
import type { CreateSegmentRequest } from '../segments/segments.dto.js';
import type { ConfigurationEntry, FeatureEntry } from './transfer-document.dto.js';

/** Something of a document that an import does not take over. */
export interface NotCarriedOver {
  /** Where in the document it stands. */
  path: string;
  /** What it is. */
  what: string;
  /** Why not, and what is instead. */
  why: string;
}

/** Something as we have it, with the place in the document that it comes from. */
export interface Placed<T> {
  path: string;
  entry: T;
}

/** What a document of any format comes to in our own terms. */
export interface ImportSource {
  environments: CreateEnvironmentRequest[];
  /** Keys of the plans that it knows: what it says nothing of for one of them, that plan does not give. */
  plans: string[];
  segments: Placed<CreateSegmentRequest>[];
  features: Placed<FeatureEntry>[];
  notCarriedOver: NotCarriedOver[];
}

/** What a translator makes of a document: nothing of it has been checked against our rules. */
export interface Translated {
  /** Keys as that system has them. */
  environments: string[];
  segments: Placed<object>[];
  features: Placed<{ definition: object; configurations: { environment: string }[] }>[];
  notCarriedOver: NotCarriedOver[];
}

/** The keys of environments that a document says anything of. */
export function environmentsIn({ environments, features }: ImportSource): Set<string> {
  const named = features.flatMap(({ entry }) => entry.configurations.map(({ environment }) => environment));
  return new Set([...environments.map(({ key }) => key), ...named]);
}

/**
 * Gives environments the keys that they have here, and leaves out those that are mapped to null.
 * @returns the keys that two environments would have.
 */
export function mapEnvironments(source: ImportSource, mapping: Record<string, string | null>): string[] {
  const to = (key: string): string | null => (Object.hasOwn(mapping, key) ? mapping[key]! : key);
  const mapped = source.environments.flatMap((environment) => {
    const key = to(environment.key);
    if (key === null) return [];
    // A name is of the environment that has it there.
    return [key === environment.key ? environment : { key }];
  });
  source.environments = mapped;
  for (const { entry } of source.features)
    entry.configurations = entry.configurations.flatMap((configuration): ConfigurationEntry[] => {
      const environment = to(configuration.environment);
      return environment === null ? [] : [{ ...configuration, environment }];
    });
  const keys = mapped.map(({ key }) => key);
  return keys.filter((key, at) => keys.indexOf(key) !== at);
}

/** A conflict is one of both, also where only one of them names it: else the last would decide, each time anew. */
export function completeConflicts({ features }: ImportSource): void {
  const byKey = new Map(features.map(({ entry: { definition } }) => [definition.key, definition]));
  for (const { key, conflicts } of byKey.values())
    for (const other of conflicts ?? []) {
      const listed = byKey.get(other)?.conflicts;
      if (listed && !listed.includes(key)) listed.push(key);
    }
}
