import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadEnv } from '../../config/env.js';
import { createApp } from '../../src/app.setup.js';
import { Schedules } from '../../src/jobs/schedules.js';
import { Readiness } from '../../src/kernel/readiness.js';

// An instance with a schedule that runs until its parent says so: to be frozen, or killed, in the middle.
const app = await createApp(loadEnv(), [{ id: 'test', key: Buffer.alloc(32, 7) }]);
app.get(Schedules).register({
  id: 'test-slow',
  description: 'Runs until it is told to end',
  schedule: '0 3 * * *',
  run: async () => {
    const told = once(process, 'SIGUSR2');
    process.stdout.write('began\n');
    await told;
    process.stdout.write('ended\n');
  },
});
await app.init();
await app.get(Readiness).startUp(() => undefined, sleep);
process.stdout.write('ready\n');
