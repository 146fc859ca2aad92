import { Body, Controller, Get, Header, HttpCode, Post, Query } from '@nestjs/common';
import { ApiBody, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../../kernel/actor.js';
import { ApiProblems } from '../../kernel/api-problems.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { ExportService } from './export.service.js';
import { ImportService } from './import.service.js';
import { ImportView } from './import.view.js';
import { ExportQuery, ImportQuery, ImportRequest } from './transfer.dto.js';
import { TransferDocument } from './transfer-document.dto.js';
import { importExamples } from './transfer.examples.js';

@ApiTags('Features')
@Controller('api/v1/features')
export class TransferController {
  constructor(
    private readonly exports: ExportService,
    private readonly imports: ImportService,
  ) {}

  /**
   * Exports features.
   * @remarks With environments, the names of plans, segments, and what features are in each environment: all that decides,
   * but for what single organizations have. Imported into an empty installation it evaluates the same, for everybody. The
   * order is fixed, so that two exports can be compared; only `exportedAt` differs. Each feature stands after those that it
   * needs.
   *
   * The body of an import may have 1 MiB. For more than that ask for `part=1`, which says in `parts` how many there are, and
   * import them in their order.
   */
  @Get('export')
  @Header('content-disposition', 'attachment; filename="tenon-features.json"')
  @Authorize('platform-admin')
  async exportFeatures(@Query() query: ExportQuery): Promise<TransferDocument> {
    return this.exports.export(query);
  }

  /**
   * Imports features.
   * @remarks What an export answered is the `document`, and its `format` stands beside it. From an export of Tenon, of
   * Unleash (`POST /api/admin/features-batch/export`) or of LaunchDarkly (`GET /api/v2/flags/{project}?summary=0`). Try it
   * first with `dryRun=true`: it does all that the import does, under the same checks, and takes it back. It holds nobody
   * up: it sees what others commit meanwhile, so that its answer is of a moment and no promise, and is answered by 503
   * `service_unavailable` when somebody changes the same features.
   *
   * Features of the document are made, or become what it says; others stay. Missing environments are made. Plans are not:
   * values for plans that are not here are listed. `notCarriedOver` names all that has no place here, with the reason; where
   * targeting cannot be carried over whole, nobody gets a feature by it who did not have it. If something is `refused`, the
   * import as a whole is, with all paths in `errors`. The same import once more changes nothing.
   *
   * Where a policy asks for approvals it is answered by 409 `feature_change_needs_approval`, and the dry run says so in
   * `policies`: ask for it by POST `/api/v1/feature-changes`, with an edit `features.import` that holds the same document.
   */
  @Post('import')
  @HttpCode(200)
  @Authorize('platform-admin')
  @ApiBody({ type: ImportRequest, examples: importExamples })
  @ApiProblems(
    'validation_failed',
    'conflict',
    'feature_dependency_cycle',
    'feature_conflict',
    'feature_dependency_unmet',
    'feature_in_use',
    'feature_change_needs_approval',
    'service_unavailable',
  )
  async importFeatures(
    @CurrentActor() actor: Actor,
    @Query() { dryRun }: ImportQuery,
    @Body() request: ImportRequest,
  ): Promise<ImportView> {
    return this.imports.import(actor, request, dryRun === 'true');
  }
}
