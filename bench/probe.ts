import { MikroORM, RequestContext } from '@mikro-orm/core';
import { Controller, Get, Module, type Provider, type Type } from '@nestjs/common';
import { loadEnv } from '../config/env.js';
import { AppModule } from '../src/app.module.js';
import { createApp } from '../src/app.setup.js';
import { DatabaseModule } from '../src/database/database.module.js';
import { entities } from '../src/entities.js';
import { Public } from '../src/kernel/authorize.js';
import { KernelModule } from '../src/kernel/kernel.module.js';
import { Readiness } from '../src/kernel/readiness.js';

let statements = 0;

/** How many statements requests have brought to the database; those of jobs are not among them. */
@Controller('statements')
class StatementsController {
  @Get()
  @Public()
  count(): { statements: number } {
    return { statements };
  }
}

@Module({})
class ProbeModule {}

/**
 * Serves routes of a bench: in Tenon where the first argument is `guarded`, else in an application that is the same but
 * for the guards.
 * @param bare what the other application has beside the routes.
 */
export async function probe(controllers: Type[], bare: Provider[] = []): Promise<void> {
  const env = loadEnv();
  const guarded = process.argv[2] === 'guarded';
  const app = await createApp(env, env.secretKeys, {
    module: ProbeModule,
    imports: guarded
      ? [AppModule.forRoot(env, env.secretKeys)]
      : [KernelModule.forRoot(env, env.secretKeys), DatabaseModule.forRoot(env, entities, [])],
    controllers: [...controllers, StatementsController],
    providers: guarded ? [] : bare,
  });
  // Asked only where there is a statement: a request without one pays nothing for it.
  const logger = app.get(MikroORM).config.getLogger();
  logger.isEnabled = () => true;
  logger.logQuery = () => {
    if (RequestContext.currentRequestContext()) statements += 1;
  };
  await app.listen(env.port, env.host);
  await app.get(Readiness).startUp(
    (_step, error) => {
      throw error;
    },
    () => Promise.resolve(),
  );
  process.on('SIGTERM', () => process.exit(0));
}
