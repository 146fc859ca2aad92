import type { Decision } from '../evaluator/index.js';
import { newSketch, type Sketch, WORDS } from './sketch.js';

/** What was counted of one decision. */
export interface Total {
  feature: string;
  decision: Decision;
  evaluations: number;
  users: Sketch;
  organizations: Sketch;
}

/**
 * How often each decision was given, to whichever user and organization.
 *
 * Sketches lie word by word and not one by one: somebody who asks for all features sets the same bit in each, so that 203 of
 * them are 13 lines of the processor's cache and not 203.
 */
export class Totals {
  private readonly placeOf = new Map<Decision, number>();
  private readonly features: string[] = [];
  private capacity = 64;
  private evaluations = new Float64Array(this.capacity);
  private users = new Uint32Array(WORDS * this.capacity);
  private organizations = new Uint32Array(WORDS * this.capacity);
  private places = new Int32Array(0);

  get size(): number {
    return this.placeOf.size;
  }

  /**
   * Counts decisions that were given together.
   * @param userBit -1 for nobody.
   * @param room how many new ones there may be.
   * @returns how many it had no room for.
   */
  add(
    features: readonly string[],
    decisions: readonly Decision[],
    times: number,
    userBit: number,
    organizationBit: number,
    room: number,
  ): number {
    const given = decisions.length;
    if (this.places.length < given) this.places = new Int32Array(given);
    // First all places: making one may move all columns.
    const { places } = this;
    const most = this.size + room;
    let missed = 0;
    for (let at = 0; at < given; at += 1) {
      const decision = decisions[at]!;
      const known = this.placeOf.get(decision);
      if (known !== undefined) places[at - missed] = known;
      else if (this.size < most) places[at - missed] = this.open(features[at]!, decision);
      else missed += 1;
    }
    const { evaluations, users, organizations, capacity } = this;
    const userWord = (userBit >> 5) * capacity;
    const userMask = 1 << (userBit & 31);
    const organizationWord = (organizationBit >> 5) * capacity;
    const organizationMask = 1 << (organizationBit & 31);
    for (let at = 0; at < given - missed; at += 1) {
      const place = places[at]!;
      evaluations[place]! += times;
      organizations[organizationWord + place]! |= organizationMask;
      if (userBit >= 0) users[userWord + place]! |= userMask;
    }
    return missed;
  }

  merge(other: Totals): void {
    for (const { feature, decision, evaluations, users, organizations } of other) {
      const place = this.placeOf.get(decision) ?? this.open(feature, decision);
      this.evaluations[place]! += evaluations;
      for (let word = 0; word < WORDS; word += 1) {
        this.users[word * this.capacity + place]! |= users[word]!;
        this.organizations[word * this.capacity + place]! |= organizations[word]!;
      }
    }
  }

  *[Symbol.iterator](): Generator<Total> {
    for (const [decision, place] of this.placeOf)
      yield {
        feature: this.features[place]!,
        decision,
        evaluations: this.evaluations[place]!,
        users: this.sketchAt(this.users, place),
        organizations: this.sketchAt(this.organizations, place),
      };
  }

  private open(feature: string, decision: Decision): number {
    const place = this.size;
    if (place === this.capacity) this.grow();
    this.placeOf.set(decision, place);
    this.features.push(feature);
    return place;
  }

  private grow(): void {
    const capacity = this.capacity * 2;
    const evaluations = new Float64Array(capacity);
    evaluations.set(this.evaluations);
    this.users = wider(this.users, this.capacity);
    this.organizations = wider(this.organizations, this.capacity);
    [this.capacity, this.evaluations] = [capacity, evaluations];
  }

  private sketchAt(words: Uint32Array, place: number): Sketch {
    const sketch = newSketch();
    for (let word = 0; word < WORDS; word += 1) sketch[word] = words[word * this.capacity + place]!;
    return sketch;
  }
}

/** The same words, each with twice as many places. */
function wider(words: Uint32Array, capacity: number): Uint32Array<ArrayBuffer> {
  const wide = new Uint32Array(words.length * 2);
  for (let word = 0; word < WORDS; word += 1)
    wide.set(words.subarray(word * capacity, (word + 1) * capacity), word * capacity * 2);
  return wide;
}
