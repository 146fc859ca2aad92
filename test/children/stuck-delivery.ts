import { setTimeout as sleep } from 'node:timers/promises';
import { EntityManager } from '@mikro-orm/postgresql';
import { loadEnv } from '../../config/env.js';
import { createApp } from '../../src/app.setup.js';
import { OutboxHandlers } from '../../src/jobs/outbox-handlers.js';
import { Outbox } from '../../src/jobs/outbox.service.js';
import { Readiness } from '../../src/kernel/readiness.js';

// An instance that leaves a message behind and never ends delivering it. Its parent kills it in the middle.
const app = await createApp(loadEnv(), [{ id: 'test', key: Buffer.alloc(32, 7) }]);
app.get(OutboxHandlers).register('test.killed', async ({ id }) => {
  process.stdout.write(`delivering ${id}\n`);
  await new Promise(() => undefined);
});
await app.init();
await app.get(Readiness).startUp(() => undefined, sleep);
await app
  .get(EntityManager)
  .fork()
  .transactional(async () => void app.get(Outbox).add('test.killed', { word: 'again' }));
