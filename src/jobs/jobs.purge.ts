import { isTestAddress, type PurgeRuleSet } from '../database/purge-rules.js';
import { OUTBOX_QUEUE } from './outbox-relay.js';

export const jobsPurge: PurgeRuleSet = {
  schedule_settings: { keeps: 'When schedules run, as platform admins chose' },
  schedule_slots: { keeps: 'Which slot each schedule waits for', volatile: true },
  schedule_runs: { keeps: 'Which slots have run, so that none runs twice', volatile: true },
  outbox: {
    // The message that asks for a purge says so in its summary, and is locked while the purge runs.
    all: `summary ->> 'purge' is null`,
    testData: isTestAddress(`summary ->> 'to'`),
    keeps: { all: 'What asks for the purge itself', 'test-data': 'Whatever is not a mail to a test account' },
    volatile: true,
    // A job whose message is gone would end by itself, some of them only in a quarter of an hour.
    afterwards: `
      select bullmq.remove('${OUTBOX_QUEUE}', job.id, false) from bullmq.job
       where queue = '${OUTBOX_QUEUE}' and not exists (select from outbox where outbox.id::text = job.id)`,
  },
};
