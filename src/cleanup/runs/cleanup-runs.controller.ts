import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiExtraModels, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../../kernel/actor.js';
import { Authorize, CurrentActor } from '../../kernel/authorize.js';
import { TOKEN_TYPE_NAMES } from '../expiring-types.js';
import { RunCleanupRequest } from './cleanup-runs.dto.js';
import { CleanupRunsService } from './cleanup-runs.service.js';
import { QueuedRunView, TypeResultView } from './cleanup-runs.view.js';

@ApiTags('Cleanup')
@ApiExtraModels(TypeResultView)
@Controller('api/v1/admin/cleanup')
export class CleanupRunsController {
  constructor(private readonly runs: CleanupRunsService) {}

  /**
   * Removes what has expired, now: of the types that are named, or else every token.
   * @remarks Tokens are six of the types: `email_verification`, `password_reset`, `email_change`, `invitation`,
   * `refresh_token` and `session`; name the others in `tokenTypes` to clean them, too. `cleanup/statistics` describes them
   * all. The answer comes at once; ask for the task to see how far it is. It is done in batches, each a transaction of its
   * own, and goes on after the next start if Tenon is stopped in its middle. What somebody uses at this moment is left for
   * the next run. With `dryRun` it counts, by the very conditions, and removes nothing.
   */
  @Post('expired-tokens')
  @HttpCode(202)
  @Authorize('platform-admin')
  async removeExpiredTokens(
    @CurrentActor() actor: Actor,
    @Body() { tokenTypes: types = [...TOKEN_TYPE_NAMES], batchSize, dryRun }: RunCleanupRequest,
  ): Promise<QueuedRunView> {
    const { runId } = await this.runs.request(actor, { types, batchSize, dryRun, trigger: 'request' });
    return { taskId: runId, status: 'queued' };
  }
}
