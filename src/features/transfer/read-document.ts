import type { Json, JsonObject } from '../../kernel/json.js';
import { type FieldError, invalidField, problem } from '../../kernel/problem.js';
import { readAs } from '../../kernel/validation.js';
import { ENVIRONMENT_KEY } from '../../environments/environments.dto.js';
import { CreateSegmentRequest } from '../segments/segments.dto.js';
import { sizeFault } from './document-size.js';
import {
  completeConflicts,
  environmentsIn,
  type ImportSource,
  mapEnvironments,
  type Placed,
  type Translated,
} from './import-source.js';
import { shapeFault } from './foreign-shape.js';
import { LAUNCHDARKLY_SCHEMA, type LaunchDarklyDocument } from './launchdarkly/document.js';
import { translateLaunchDarkly } from './launchdarkly/translation.js';
import { FeatureEntry, TransferDocument } from './transfer-document.dto.js';
import type { ImportedDocument, TransferFormat } from './transfer.dto.js';
import { UNLEASH_SCHEMA, type UnleashDocument } from './unleash/document.js';
import { translateUnleash } from './unleash/translation.js';

const MOST_ERRORS = 20;

/**
 * Reads the document of an import, of whatever format, into our own terms.
 * @throws Problem `validation_failed` with the path of what is wrong.
 */
export function readDocument({ format, document, environmentMapping = {} }: ImportedDocument): ImportSource {
  const tooLarge = sizeFault(document as Json, 'document');
  if (tooLarge) throw problem('validation_failed', { errors: [tooLarge] });
  const source = format === 'tenon' ? readOwn(document) : readForeign(format, document, environmentMapping);
  refuseUnknownEnvironments(source, environmentMapping);
  const [twice] = mapEnvironments(source, environmentMapping);
  if (twice !== undefined)
    throw invalidField('environmentMapping', 'environment_twice', `Two environments would be "${twice}"`);
  completeConflicts(source);
  return source;
}

/** A slip in a name would make an environment that nobody meant. */
function refuseUnknownEnvironments(source: ImportSource, mapping: Record<string, string | null>): void {
  const known = environmentsIn(source);
  const errors = Object.keys(mapping)
    .filter((key) => !known.has(key))
    .map((key) => key.slice(0, 100))
    .map((key) => ({
      field: `environmentMapping.${key}`,
      code: 'environment_unknown',
      message: `The document has no environment "${key}"`,
    }));
  if (errors.length > 0) throw problem('validation_failed', { errors: errors.slice(0, MOST_ERRORS) });
}

function readOwn(document: JsonObject): ImportSource {
  const { read, errors } = readAs(TransferDocument, document, 'document');
  if (errors.length > 0) throw problem('validation_failed', { errors: errors.slice(0, MOST_ERRORS) });
  const { environments, plans, segments, features } = toData(read);
  return {
    environments,
    plans: plans.map(({ key }) => key),
    segments: segments.map((entry, at) => ({ path: `document.segments.${at}`, entry })),
    features: features.map((entry, at) => ({ path: `document.features.${at}`, entry })),
    notCarriedOver: [],
  };
}

function readForeign(
  format: Exclude<TransferFormat, 'tenon'>,
  document: JsonObject,
  mapping: Record<string, string | null>,
): ImportSource {
  const isUnleash = format === 'unleash';
  const wrong = shapeFault(isUnleash ? UNLEASH_SCHEMA : LAUNCHDARKLY_SCHEMA, document);
  if (wrong) throw problem('validation_failed', { errors: [wrong] });
  const translated = isUnleash
    ? translateUnleash(document as unknown as UnleashDocument)
    : translateLaunchDarkly(document as unknown as LaunchDarklyDocument);
  return check(translated, mapping);
}

/** Leaves out what our own rules refuse: a whole entry, never a part of it. */
function check(translated: Translated, mapping: Record<string, string | null>): ImportSource {
  const notCarriedOver = [...translated.notCarriedOver];
  const kept = <T extends object>(shape: new () => T, placed: readonly Placed<object>[]): Placed<T>[] =>
    placed.flatMap(({ path, entry }) => {
      const { read, errors } = readAs(shape, entry, '');
      if (errors.length === 0) return [{ path, entry: toData(read) }];
      notCarriedOver.push({ path, what: nameOf(entry), why: say(errors) });
      return [];
    });
  const isKnown = (key: string): boolean => Object.hasOwn(mapping, key) || ENVIRONMENT_KEY.test(key);
  for (const key of translated.environments)
    if (!isKnown(key))
      notCarriedOver.push({
        path: 'document',
        what: `the environment "${key}"`,
        why: 'No environment can have this key: say in environmentMapping what it is here',
      });
  const features = translated.features.map(({ path, entry }) => ({
    path,
    entry: { ...entry, configurations: entry.configurations.filter(({ environment }) => isKnown(environment)) },
  }));
  return {
    environments: translated.environments.filter(isKnown).map((key) => ({ key })),
    plans: [],
    segments: kept(CreateSegmentRequest, translated.segments),
    features: kept(FeatureEntry, features),
    notCarriedOver,
  };
}

function nameOf(entry: { key?: string; definition?: { key?: string } }): string {
  return entry.definition ? `the feature "${entry.definition.key}"` : `the segment "${entry.key}"`;
}

function say(errors: readonly FieldError[]): string {
  return errors
    .slice(0, 3)
    .map(({ field, message }) => `${field}: ${message}`)
    .join('; ');
}

/** Requests as data, as they would come from a body: what was not said is not there. */
function toData<T extends object>(read: T): T {
  return JSON.parse(JSON.stringify(read)) as T;
}
