import { MikroORM, RequestContext } from '@mikro-orm/core';
import { type CanActivate, Controller, type DynamicModule, Get, Module, type Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { loadEnv } from '../config/env.js';
import { AppModule } from '../src/app.module.js';
import { createApp } from '../src/app.setup.js';
import { JobBoard } from '../src/admin/job-board/job-board.js';
import { KeyDoor } from '../src/auth/api-keys/key-door.js';
import { AuthGuard } from '../src/auth/auth.guard.js';
import { DatabaseModule } from '../src/database/database.module.js';
import { entities } from '../src/entities.js';
import { OfrepRoutes } from '../src/features/openfeature/ofrep.routes.js';
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

class EmptyGuard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

/** All of Tenon but who asks and whether they may. */
function withEmptyGuard(tenon: DynamicModule): DynamicModule {
  const others = tenon.providers!.filter(
    (provider) => !('useExisting' in provider && provider.useExisting === AuthGuard),
  );
  return { ...tenon, providers: [{ provide: APP_GUARD, useClass: EmptyGuard }, ...others] };
}

/** What `createApp` asks the rooms for, where they are left out. */
@Module({
  providers: [
    { provide: OfrepRoutes, useValue: { provide: () => undefined } },
    { provide: KeyDoor, useValue: null },
    { provide: JobBoard, useValue: { plugin: () => async () => undefined } },
  ],
})
class EmptyRooms {}

@Module({})
class ProbeModule {}

/**
 * Serves routes of a bench, as the first argument says: in Tenon (`guarded`), in Tenon with an empty guard in the place of
 * its own (`empty`), or in an application that has what it takes to listen and no more (`bare`).
 */
export async function probe(controller: Type): Promise<void> {
  const env = loadEnv();
  const mode = process.argv[2];
  const tenon = AppModule.forRoot(env, env.secretKeys);
  const app = await createApp(env, env.secretKeys, {
    module: ProbeModule,
    imports:
      mode === 'bare'
        ? [KernelModule.forRoot(env, env.secretKeys), DatabaseModule.forRoot(env, entities, []), EmptyRooms]
        : [mode === 'empty' ? withEmptyGuard(tenon) : tenon],
    controllers: [controller, StatementsController],
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
