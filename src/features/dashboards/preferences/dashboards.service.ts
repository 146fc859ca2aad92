import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../../../audit/audit.service.js';
import { type Actor, PLATFORM_ADMIN } from '../../../kernel/actor.js';
import type { Json } from '../../../kernel/json.js';
import { problem } from '../../../kernel/problem.js';
import { EvaluationService } from '../../evaluation/evaluation.service.js';
import { equal } from '../../evaluator/values.js';
import { availabilityIn } from '../widgets/availability.js';
import { readWidgets } from '../widgets/widgets.queries.js';
import type { PutDashboardRequest } from './dashboards.dto.js';
import {
  holdDashboard,
  readDashboard,
  type StoredDashboard,
  type Whose,
  writeDashboard,
} from './dashboards.queries.js';
import { type DashboardView, toDashboardView } from './dashboards.view.js';
import { layoutFaults, type PlacedWidget } from './layout.js';
import { placedWidgetFaults } from './placed-widgets.js';

/** The dashboard of each member in each organization: their own, and seen by nobody else. */
@Injectable()
export class DashboardsService {
  constructor(
    private readonly em: EntityManager,
    private readonly audit: AuditService,
    private readonly evaluation: EvaluationService,
  ) {}

  /**
   * The caller's dashboard in the tenant; the default where they saved none.
   * @throws Problem `permission_denied` for whoever is no member; `validation_failed` for an unknown environment.
   */
  async get(actor: Actor, environment?: string): Promise<DashboardView> {
    const availabilityOf = availabilityIn(await this.evaluation.scope(actor, environment));
    return this.em.transactional(async (em) => {
      const stored = (await readDashboard(em, whose(actor))) ?? refuseOutsider(actor);
      const widgets = await readWidgets(em, stored.layout && keysOf(stored.layout));
      return toDashboardView(stored, widgets, availabilityOf);
    });
  }

  /**
   * Saves the caller's dashboard. What stands in the saved one already, with the same settings, is not asked about again:
   * that a widget was removed or changed meanwhile is nobody's fault who moves it.
   * @param version that the caller read; null for any.
   * @throws Problem as {@link get} does; `precondition_failed`; `validation_failed` for what overlaps, for unknown widgets
   * and for settings that do not fit.
   */
  async put(
    actor: Actor,
    request: PutDashboardRequest,
    version: number | null,
    environment?: string,
  ): Promise<DashboardView> {
    const layout = request.layout.map(toPlacedWidget);
    const availabilityOf = availabilityIn(await this.evaluation.scope(actor, environment));
    return this.em.transactional(async (em) => {
      const before = await hold(em, actor, version);
      const widgets = await readWidgets(em, keysOf(layout));
      const errors = [...layoutFaults(layout), ...placedWidgetFaults(layout, before.layout ?? [], widgets)];
      if (errors.length > 0) throw problem('validation_failed', { errors: errors.slice(0, 20) });
      const after = await this.write(em, actor, before, { layout, theme: request.theme });
      return toDashboardView(after, widgets, availabilityOf);
    });
  }

  /**
   * Goes back to the default.
   * @param version that the caller read; null for any.
   * @throws Problem `permission_denied` for whoever is no member; `precondition_failed`.
   */
  async reset(actor: Actor, version: number | null): Promise<void> {
    await this.em.transactional(async (em) => {
      const before = await hold(em, actor, version);
      await this.write(em, actor, before, { layout: null, theme: 'system' });
    });
  }

  /** Admins read the trail: it says how many widgets there are, and not which, or what was set of them. */
  private async write(
    em: EntityManager,
    actor: Actor,
    before: StoredDashboard,
    after: Pick<StoredDashboard, 'layout' | 'theme'>,
  ): Promise<StoredDashboard> {
    if (before.theme === after.theme && equal(before.layout as Json, after.layout as Json)) return before;
    const written = await writeDashboard(em, whose(actor), after);
    const told = ({ layout, theme, version }: StoredDashboard) => ({ widgets: layout?.length ?? null, theme, version });
    this.audit.record(actor, after.layout === null ? 'dashboard.reset' : 'dashboard.arranged', {
      target: { type: 'dashboard', id: actor.requiredUserId },
      before: told(before),
      after: told(written),
    });
    return written;
  }
}

async function hold(em: EntityManager, actor: Actor, version: number | null): Promise<StoredDashboard> {
  const stored = (await holdDashboard(em, whose(actor))) ?? refuseOutsider(actor);
  if (version !== null && version !== stored.version) throw problem('precondition_failed');
  return stored;
}

/** A platform admin, or somebody who was a member when the request came. */
function refuseOutsider({ role }: Actor): never {
  if (role !== PLATFORM_ADMIN) throw problem('not_found');
  throw problem('permission_denied', { detail: 'Only members of the organization have a dashboard in it' });
}

const whose = (actor: Actor): Whose => ({
  organizationId: actor.requiredOrganizationId,
  userId: actor.requiredUserId,
});

const keysOf = (layout: readonly PlacedWidget[]): string[] => [...new Set(layout.map(({ widget }) => widget))];

/** Data instead of an instance of the request. */
function toPlacedWidget({
  id,
  widget,
  x,
  y,
  w,
  h,
  settings = {},
}: PutDashboardRequest['layout'][number]): PlacedWidget {
  return { id, widget, x, y, w, h, settings };
}
