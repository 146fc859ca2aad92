import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { ChangeBus, type ChangeListener } from '../../database/change-bus.js';
import { asSystem } from '../../database/tenant-context.js';
import { problem } from '../../kernel/problem.js';
import { OrganizationAccess } from '../../organizations/access/organization-access.js';
import { compileOverrides, NO_OVERRIDES, type Overrides, type SubjectOrganization } from '../evaluator/index.js';
import { readOrganization, type StoredOrganization } from './organization-features.queries.js';

/** 0.13 KiB each without overrides, 0.6 KiB more for each override. */
const ORGANIZATIONS = 100_000;

/** An organization as features are evaluated for it. */
export interface EvaluatedOrganization extends SubjectOrganization {
  readonly plan: string;
}

/** The same without its id: those on one plan that override nothing share one. */
type Standing = Omit<EvaluatedOrganization, 'id'>;

/**
 * Plans and overrides of organizations, in memory as they are asked for. Kept right by the change bus; while that is
 * down, the database is asked.
 */
@Injectable()
export class OrganizationFeatures implements ChangeListener {
  readonly topic = 'organization-features';
  /** Made with the first organization: it takes 4 MB and 7 ms at once, however few there are. */
  private known: LRUCache<string, Standing> | undefined;
  private readonly ofPlan = new Map<string, Standing>();
  private readonly loads = new Map<string, Promise<EvaluatedOrganization>>();
  private readonly listeners: ((organizationIds: readonly string[] | null) => void)[] = [];
  private readonly own: EntityManager;

  constructor(
    private readonly em: EntityManager,
    private readonly bus: ChangeBus,
    access: OrganizationAccess,
  ) {
    this.own = em.fork({ disableContextResolution: true });
    bus.listen(this);
    // Its plan is kept by the room below.
    access.onChanged((ids) => this.changed(ids));
  }

  /**
   * What decides over an organization's features: at once from memory, else a promise.
   * @throws Problem `not_found` when there is no such organization.
   */
  of(organizationId: string): EvaluatedOrganization | Promise<EvaluatedOrganization> {
    if (!this.bus.up) return this.read(organizationId);
    const known = this.known?.get(organizationId);
    return known ? { id: organizationId, plan: known.plan, overrides: known.overrides } : this.load(organizationId);
  }

  /** Told which organizations have other plans or overrides; null: maybe all. */
  onChanged(listener: (organizationIds: readonly string[] | null) => void): void {
    this.listeners.push(listener);
  }

  /**
   * Changes in the caller's tenant what this keeps in memory. Every instance hears of it with the commit, this one when it
   * resolves.
   * @param work runs in one transaction of the request's EntityManager.
   */
  async change<T>(organizationId: string, work: (em: EntityManager) => Promise<T>): Promise<T> {
    const result = await this.em.transactional(async (em) => {
      const done = await work(em);
      await this.announce(em, [organizationId]);
      return done;
    });
    this.changed([organizationId]);
    return result;
  }

  /** Tells every instance, with the commit of a system transaction, that it changed what these organizations have. */
  announce(em: EntityManager, organizationIds: readonly string[]): Promise<void> {
    return this.bus.announce(em, this.topic, organizationIds);
  }

  changed(organizationIds: readonly string[]): void {
    for (const id of organizationIds) {
      this.known?.delete(id);
      // What is being read may have been read before the change.
      this.loads.delete(id);
    }
    for (const listener of this.listeners) listener(organizationIds);
  }

  async catchUp(): Promise<void> {
    this.known?.clear();
    this.ofPlan.clear();
    this.loads.clear();
    for (const listener of this.listeners) listener(null);
  }

  private load(organizationId: string): Promise<EvaluatedOrganization> {
    const running = this.loads.get(organizationId);
    if (running) return running;
    const load = this.read(organizationId);
    this.loads.set(organizationId, load);
    const finish = (found: EvaluatedOrganization | null): void => {
      if (this.loads.get(organizationId) !== load) return;
      this.loads.delete(organizationId);
      if (found) (this.known ??= new LRUCache({ max: ORGANIZATIONS })).set(organizationId, this.toStanding(found));
    };
    load.then(finish, () => finish(null));
    return load;
  }

  private toStanding({ plan, overrides }: EvaluatedOrganization): Standing {
    if (overrides !== NO_OVERRIDES) return { plan, overrides };
    let shared = this.ofPlan.get(plan);
    if (!shared) this.ofPlan.set(plan, (shared = { plan, overrides }));
    return shared;
  }

  private async read(organizationId: string): Promise<EvaluatedOrganization> {
    const stored = await asSystem(this.own, (em) => readOrganization(em, organizationId));
    if (!stored) throw problem('not_found');
    return toEvaluatedOrganization(organizationId, stored);
  }
}

/** Compiles overrides as they are stored. */
export function compileStored(overrides: StoredOrganization['overrides']): Overrides {
  if (overrides.length === 0) return NO_OVERRIDES;
  return compileOverrides(
    overrides.map(({ expiresAt, ...override }) => ({
      ...override,
      expiresAt: expiresAt === null ? null : new Date(expiresAt),
    })),
  );
}

/** Compiles what is stored of an organization. */
export function toEvaluatedOrganization(id: string, stored: StoredOrganization): EvaluatedOrganization {
  return { id, plan: stored.plan, overrides: compileStored(stored.overrides) };
}
