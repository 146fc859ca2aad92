import { Controller, Get, Module } from '@nestjs/common';
import { loadEnv } from '../config/env.js';
import { AppModule } from '../src/app.module.js';
import { createApp } from '../src/app.setup.js';
import { DatabaseModule } from '../src/database/database.module.js';
import { entities } from '../src/entities.js';
import { Authorize } from '../src/kernel/authorize.js';
import { KernelModule } from '../src/kernel/kernel.module.js';
import { Readiness } from '../src/kernel/readiness.js';

@Controller('bench')
class BenchController {
  @Get()
  @Authorize('session')
  answer(): { ok: boolean } {
    return { ok: true };
  }
}

/** One route, in Tenon (`guarded`) and in an application that is the same but for the guards (`bare`). */
@Module({})
class BenchModule {}

const env = loadEnv();
const guarded = process.argv[2] === 'guarded';
const app = await createApp(env, env.secretKeys, {
  module: BenchModule,
  imports: guarded
    ? [AppModule.forRoot(env, env.secretKeys)]
    : [KernelModule.forRoot(env, env.secretKeys), DatabaseModule.forRoot(env, entities, [])],
  controllers: [BenchController],
});
await app.listen(env.port, env.host);
await app.get(Readiness).startUp(
  (_step, error) => {
    throw error;
  },
  () => Promise.resolve(),
);
process.on('SIGTERM', () => process.exit(0));
