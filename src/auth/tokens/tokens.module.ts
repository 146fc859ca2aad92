import { Module } from '@nestjs/common';
import { Schedules } from '../../jobs/schedules.js';
import { AccessTokens } from './access-tokens.js';
import { JwksController } from './jwks.controller.js';
import { RevokedSessions } from './revoked-sessions.js';
import { rotateSigningKeys } from './rotate-signing-keys.js';
import { SigningKeys } from './signing-keys.js';

/** Access tokens: the keys that sign them, their verification, and the sessions whose tokens were taken back. */
@Module({
  controllers: [JwksController],
  providers: [AccessTokens, RevokedSessions, SigningKeys],
  exports: [AccessTokens, RevokedSessions, SigningKeys],
})
export class TokensModule {
  constructor(schedules: Schedules, keys: SigningKeys) {
    schedules.register(rotateSigningKeys(keys));
  }
}
