import { Injectable, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ChangeBus } from '../../database/change-bus.js';
import { Timers } from '../../jobs/timers.js';
import type { ApiKeyAccess } from '../../kernel/api-key-access.js';
import { problem } from '../../kernel/problem.js';
import { EvaluationService } from '../evaluation/evaluation.service.js';
import { Clock } from '../snapshots/clock.js';
import { FeatureSnapshots } from '../snapshots/feature-snapshots.js';
import { OrganizationFeatures } from '../snapshots/organization-features.js';
import { stateId, stateOf } from './entity-tag.js';
import { EventStream } from './event-stream.js';
import { StreamGroup } from './stream-group.js';
import { StreamLimits } from './stream-limits.js';
import type { StreamRight } from './stream-tokens.js';

/** At most ten events a second. */
const TICK_MS = 100;
const TICKS_TO_BEAT = 200;
const TICKS_TO_RECHECK = 300;
/** Groups whose organization has to be read are read so many at once: after an outage that is all of them. */
const AT_ONCE = 8;

/**
 * Tells clients that hold a stream open when their flags may be others (ADR 8 of OFREP): when features, plan or overrides
 * change, and when time changes what they say.
 */
@Injectable()
export class EventStreams {
  private readonly log = new Logger('openfeature');
  private readonly groups = new Map<string, StreamGroup>();
  private readonly ofKey = new Map<string, number>();
  private count = 0;
  private ticks = 0;
  private flushedAt = 0;
  private recheckSoon = false;
  private closed = false;
  private access: ApiKeyAccess | null = null;

  constructor(
    private readonly evaluation: EvaluationService,
    private readonly clock: Clock,
    private readonly bus: ChangeBus,
    private readonly limits: StreamLimits,
    timers: Timers,
    snapshots: FeatureSnapshots,
    organizations: OrganizationFeatures,
  ) {
    snapshots.onChanged(() => this.soil(() => true));
    organizations.onChanged((ids) => this.soil(({ organizationId }) => ids?.includes(organizationId) ?? true));
    timers.add({ name: 'openfeature-streams', everyMs: TICK_MS, run: () => this.tick() });
  }

  /** Says who knows whether a key is still good. */
  provide(access: ApiKeyAccess): void {
    this.access = access;
    access.onChanged(() => (this.recheckSoon = true));
  }

  /** How many streams are open. */
  get size(): number {
    return this.count;
  }

  /**
   * Opens a stream. Who comes back, or was late, and has missed a change is told at once.
   * @param head what every answer has.
   * @param known the state that the client knows; null when it does not say.
   * @throws Problem `token_invalid` when the key is good no more; `rate_limit_exceeded`, `service_unavailable` when too
   * many are open.
   */
  async open(
    right: StreamRight,
    { socket }: FastifyRequest,
    reply: FastifyReply,
    head: readonly string[],
    known: string | null,
  ): Promise<void> {
    const free = this.take(right.keyId);
    try {
      if (!(await this.isGood(right))) throw problem('token_invalid');
      const scope = await this.evaluation.scopeOf(right.organizationId, right.environment);
      if (this.closed || socket.destroyed) throw problem('service_unavailable');
      const state = stateId(stateOf(scope));
      const stream = new EventStream(reply, head, right.keyId, state);
      const group = this.groupOf(right);
      group.add(stream, scope);
      stream.onClose(() => {
        free();
        if (group.remove(stream)) this.groups.delete(nameOf(group));
      });
      if (known !== null && known !== state) stream.refetch(state);
    } catch (error) {
      free();
      throw error;
    }
  }

  /** Ends all of them, so that the process can stop; clients come back to another one. */
  close(): void {
    this.closed = true;
    for (const group of this.groups.values()) group.end();
  }

  /** Counts a stream before it is open. @returns what gives it back, once. */
  private take(keyId: string): () => void {
    const ofKey = this.ofKey.get(keyId) ?? 0;
    const headers = { 'retry-after': '30' };
    if (ofKey >= this.limits.ofKey)
      throw problem('rate_limit_exceeded', { detail: 'Too many streams of this key are open', headers });
    if (this.closed || this.count >= this.limits.all)
      throw problem('service_unavailable', { detail: 'No more streams are opened here', headers });
    this.count += 1;
    this.ofKey.set(keyId, ofKey + 1);
    let taken = true;
    return () => {
      if (!taken) return;
      taken = false;
      this.count -= 1;
      const left = this.ofKey.get(keyId)! - 1;
      if (left > 0) this.ofKey.set(keyId, left);
      else this.ofKey.delete(keyId);
    };
  }

  private async isGood({ keyId, organizationId }: Pick<StreamRight, 'keyId' | 'organizationId'>): Promise<boolean> {
    return this.access !== null && (await this.access.holds(keyId, organizationId, EVALUATE));
  }

  /** The first change in a while is told at once, what follows with the next tick. */
  private soil(changed: (group: StreamGroup) => boolean): void {
    for (const group of this.groups.values()) if (changed(group)) group.soil();
    if (performance.now() - this.flushedAt >= TICK_MS) void this.flush();
  }

  private async tick(): Promise<void> {
    if (this.count === 0) return;
    this.ticks += 1;
    if (this.ticks % TICKS_TO_BEAT === 0) for (const group of this.groups.values()) group.beat();
    await this.flush();
    if (this.recheckSoon || this.ticks % TICKS_TO_RECHECK === 0) await this.recheck();
  }

  /** While changes are not heard it waits: what was missed is told once memory has caught up. */
  private async flush(): Promise<void> {
    if (!this.bus.up) return;
    const now = this.clock.now();
    const due = [...this.groups.values()].filter((group) => group.isDue(now));
    if (due.length === 0) return;
    this.flushedAt = performance.now();
    for (let start = 0; start < due.length; start += AT_ONCE)
      await Promise.all(due.slice(start, start + AT_ONCE).map((group) => this.tell(group)));
  }

  private async tell(group: StreamGroup): Promise<void> {
    const { organizationId, environment } = group;
    try {
      await group.tell(() => this.evaluation.scopeOf(organizationId, environment));
    } catch (error) {
      this.log.warn({ err: error }, 'streams were ended: what to tell them could not be read');
    }
  }

  private async recheck(): Promise<void> {
    this.recheckSoon = false;
    for (const group of this.groups.values())
      for (const keyId of group.keyIds) {
        // What cannot be asked now is asked again.
        const good = await this.isGood({ keyId, organizationId: group.organizationId }).catch(() => true);
        if (!good) group.end(keyId);
      }
  }

  private groupOf({ organizationId, environment }: StreamRight): StreamGroup {
    const name = nameOf({ organizationId, environment });
    let group = this.groups.get(name);
    if (!group) this.groups.set(name, (group = new StreamGroup(organizationId, environment)));
    return group;
  }
}

const EVALUATE = 'features:evaluate';

const nameOf = ({ organizationId, environment }: Pick<StreamRight, 'organizationId' | 'environment'>): string =>
  `${organizationId} ${environment}`;
