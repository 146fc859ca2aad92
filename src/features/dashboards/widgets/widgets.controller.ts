import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../../kernel/actor.js';
import { ApiProblems } from '../../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../../kernel/authorize.js';
import { toPage } from '../../../kernel/lists.js';
import { IfMatch, Versioned, VersionedWrite } from '../../../kernel/versions.js';
import { CreateWidgetRequest, UpdateWidgetRequest, widgetExamples, WidgetPath, WidgetsQuery } from './widgets.dto.js';
import { WidgetsService } from './widgets.service.js';
import { toWidgetView, WidgetPageView, WidgetView } from './widgets.view.js';

@ApiTags('Widgets')
@Controller('api/v1/widgets')
export class WidgetsController {
  constructor(private readonly widgets: WidgetsService) {}

  /**
   * Lists the library of widgets.
   * @remarks A new installation has twelve, such as `seats-used` and `recent-activity`; they can be changed and removed like
   * your own. What an organization can use of the library is at `GET /api/v1/organizations/{organizationId}/widgets`.
   */
  @Get()
  @Authorize('platform-admin')
  async listWidgets(@Query() query: WidgetsQuery, @Req() request: FastifyRequest): Promise<WidgetPageView> {
    const [widgets, total] = await this.widgets.list(query);
    return toPage(widgets.map(toWidgetView), total, query, request.url);
  }

  /** Shows a widget of the library. */
  @Get(':key')
  @Authorize('platform-admin')
  @Versioned()
  @ApiProblems('validation_failed')
  async getWidget(@Param() { key }: WidgetPath): Promise<WidgetView> {
    return toWidgetView(await this.widgets.get(key));
  }

  /**
   * Puts a widget into the library.
   * @remarks Everybody can place it at once, in organizations that have all of `requiredFeatures`; elsewhere it is shown with
   * the reason why not. A feature that a widget needs cannot be removed or archived.
   *
   * `settingsSchema` says what a person can set of it, such as how many rows it shows: settings that do not fit are refused
   * when a dashboard is saved. `default` in it is for whoever draws the widget; nothing fills it in.
   */
  @Post()
  @Authorize('platform-admin')
  @Versioned()
  @ApiBody({ type: CreateWidgetRequest, examples: widgetExamples })
  @ApiProblems('conflict')
  async createWidget(@CurrentActor() actor: Actor, @Body() request: CreateWidgetRequest): Promise<WidgetView> {
    return toWidgetView(await this.widgets.create(actor, request));
  }

  /**
   * Changes a widget of the library, on every dashboard at once.
   * @remarks What people have set stays as it is, also where a new `settingsSchema` would not take it: it is asked for again
   * when they change those settings.
   */
  @Patch(':key')
  @Authorize('platform-admin')
  @VersionedWrite()
  async updateWidget(
    @CurrentActor() actor: Actor,
    @Param() { key }: WidgetPath,
    @Body() request: UpdateWidgetRequest,
    @IfMatch() version: number | null,
  ): Promise<WidgetView> {
    return toWidgetView(await this.widgets.update(actor, key, request, version));
  }

  /**
   * Removes a widget from the library.
   * @remarks Nobody can place it any more. Dashboards that hold it keep its place and its settings and tell
   * `widget_removed`, until their people take it off; a new widget of the same key takes its place.
   */
  @Delete(':key')
  @HttpCode(204)
  @Authorize('platform-admin')
  @VersionedWrite()
  @ApiProblems('validation_failed')
  async deleteWidget(
    @CurrentActor() actor: Actor,
    @Param() { key }: WidgetPath,
    @IfMatch() version: number | null,
  ): Promise<void> {
    await this.widgets.remove(actor, key, version);
  }
}
