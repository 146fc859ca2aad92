import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { PageQuery, toPage } from '../../kernel/lists.js';
import { IfMatch, Versioned, VersionedWrite } from '../../kernel/versions.js';
import { ReasonQuery } from '../change-log/change-reason.dto.js';
import { CreateSegmentRequest, SegmentPath, UpdateSegmentRequest } from './segments.dto.js';
import { SegmentsService } from './segments.service.js';
import { SegmentPageView, SegmentView, toSegmentView } from './segments.view.js';

@ApiTags('Segments')
@Controller('api/v1/segments')
export class SegmentsController {
  constructor(private readonly segments: SegmentsService) {}

  /** Lists segments. */
  @Get()
  @Authorize('platform-admin')
  async listSegments(@Query() query: PageQuery, @Req() request: FastifyRequest): Promise<SegmentPageView> {
    const [segments, total] = await this.segments.list(query);
    return toPage(segments.map(toSegmentView), total, query, request.url);
  }

  /** Shows a segment. */
  @Get(':key')
  @Authorize('platform-admin')
  @Versioned()
  @ApiProblems('validation_failed')
  async getSegment(@Param() { key }: SegmentPath): Promise<SegmentView> {
    return toSegmentView(await this.segments.get(key));
  }

  /**
   * Makes a segment.
   * @remarks Rules name it in `segments`, in any environment.
   */
  @Post()
  @Authorize('platform-admin')
  @Versioned()
  @ApiProblems('conflict', 'feature_change_needs_approval')
  async createSegment(@CurrentActor() actor: Actor, @Body() request: CreateSegmentRequest): Promise<SegmentView> {
    return toSegmentView(await this.segments.create(actor, request));
  }

  /** Changes a segment, and with it every rule that names it, at once. */
  @Patch(':key')
  @Authorize('platform-admin')
  @VersionedWrite()
  @ApiProblems('feature_change_needs_approval')
  async updateSegment(
    @CurrentActor() actor: Actor,
    @Param() { key }: SegmentPath,
    @Body() request: UpdateSegmentRequest,
    @IfMatch() version: number | null,
  ): Promise<SegmentView> {
    return toSegmentView(await this.segments.update(actor, key, request, version));
  }

  /** Removes a segment that no rule names. */
  @Delete(':key')
  @HttpCode(204)
  @Authorize('platform-admin')
  @VersionedWrite()
  @ApiProblems('validation_failed', 'feature_segment_in_use', 'feature_change_needs_approval')
  async deleteSegment(
    @CurrentActor() actor: Actor,
    @Param() { key }: SegmentPath,
    @Query() { reason }: ReasonQuery,
    @IfMatch() version: number | null,
  ): Promise<void> {
    await this.segments.remove(actor, key, version, reason);
  }
}
