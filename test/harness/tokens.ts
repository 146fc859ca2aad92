import { MikroORM } from '@mikro-orm/postgresql';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { loadEnv, type SecretKey } from '../../config/env.js';
import { AuditModule } from '../../src/audit/audit.module.js';
import { AccessTokens } from '../../src/auth/tokens/access-tokens.js';
import { RevokedSessions } from '../../src/auth/tokens/revoked-sessions.js';
import { SigningKeys } from '../../src/auth/tokens/signing-keys.js';
import { TokensModule } from '../../src/auth/tokens/tokens.module.js';
import { ChangeBus } from '../../src/database/change-bus.js';
import { DatabaseModule } from '../../src/database/database.module.js';
import { entities } from '../../src/entities.js';
import { JobsModule } from '../../src/jobs/jobs.module.js';
import { KernelModule } from '../../src/kernel/kernel.module.js';
import { Readiness } from '../../src/kernel/readiness.js';
import { TEST_KEYS } from './app.js';
import type { TestDatabase } from './database.js';

/** Where the tokens of tests come from. */
export const PUBLIC_URL = 'https://tenon.test';

/** The rooms below tokens, and tokens: an instance without what else the application has. */
export interface TokensInstance {
  app: NestFastifyApplication;
  orm: MikroORM;
  bus: ChangeBus;
  keys: SigningKeys;
  tokens: AccessTokens;
  revoked: RevokedSessions;
  close(): Promise<void>;
}

class TokensApp {}

/**
 * Starts an instance on a migrated database.
 * @param directUrl where the change bus listens, if not on the database itself.
 */
export async function startTokens(
  db: TestDatabase,
  { directUrl, secretKeys = TEST_KEYS }: { directUrl?: string; secretKeys?: SecretKey[] } = {},
): Promise<TokensInstance> {
  const env = loadEnv({
    NODE_ENV: 'test',
    PUBLIC_URL,
    DATABASE_URL: db.appUrl,
    DATABASE_DIRECT_URL: directUrl,
    DATABASE_POOL_SIZE: '5',
  });
  const imports = [
    KernelModule.forRoot(env, secretKeys),
    DatabaseModule.forRoot(env, entities, []),
    JobsModule,
    AuditModule,
    TokensModule,
  ];
  const app = await NestFactory.create<NestFastifyApplication>({ module: TokensApp, imports }, new FastifyAdapter(), {
    logger: false,
    abortOnError: false,
  });
  await app.init();
  try {
    await app.get(Readiness).startUp(
      () => undefined,
      (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    );
  } catch (error) {
    await app.close();
    throw error;
  }
  return {
    app,
    orm: app.get(MikroORM),
    bus: app.get(ChangeBus),
    keys: app.get(SigningKeys),
    tokens: app.get(AccessTokens),
    revoked: app.get(RevokedSessions),
    close: () => app.close(),
  };
}
