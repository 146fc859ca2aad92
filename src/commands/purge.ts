import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { INestApplicationContext } from '@nestjs/common';
import { Env } from '../../config/env.js';
import { PURGE_SCOPES, type PurgeScope } from '../database/purge-rules.js';
import { OutboxHistory } from '../jobs/outbox-history.js';
import { OutboxWorker } from '../jobs/outbox-worker.js';
import { Actor } from '../kernel/actor.js';
import { Problem, problem } from '../kernel/problem.js';
import { toMarkdown } from '../purge/purge-report.js';
import { PURGE_TOPIC } from '../purge/purge-runner.js';
import { PurgeService } from '../purge/purge.service.js';
import type { PlannedTableView, PurgeReportView, ShownRowsView } from '../purge/purge.view.js';
import { inApplication, type Terminal } from './command.js';

const USAGE = `Usage: npm run purge -- --scope ${PURGE_SCOPES.join('|')} [--confirm "PHRASE"] [--help]
Shows what would go and what stays, asks for the phrase, removes it for good and looks at the installation afterwards.
In production only with PURGE_ALLOWED=1.`;
/** A server that runs beside the command may have taken the purge first. */
const LOOK_EVERY_MS = 500;

/**
 * The command `purge`.
 * @param args after the command's name.
 * @param ask asks the person at the terminal a question; '' when there is nobody.
 * @param signal interrupts it after the batch that runs; a server then goes on with what was confirmed.
 * @returns the exit code: 0 purged and everything as it should be, 1 not, 2 not understood.
 */
export async function purge(
  args: readonly string[],
  terminal: Terminal,
  ask: (question: string) => Promise<string>,
  signal: AbortSignal,
): Promise<number> {
  const asked = read(args);
  if (asked === 'help') {
    terminal.say(USAGE);
    return 0;
  }
  if (typeof asked === 'string') {
    terminal.complain(`${asked}.\n${USAGE}`);
    return 2;
  }
  return inApplication(terminal, async (app) => {
    if (!app.get(Env, { strict: false }).purgeAllowed) throw problem('purge_not_allowed');
    const purges = app.get(PurgeService, { strict: false });
    const actor = Actor.system('purge');
    const { planId, phrase, goes, tables } = await purges.plan(actor, asked.scope);
    for (const line of [...goes.flatMap(whoGoes), ...whatGoes(tables)]) terminal.say(line);
    terminal.say(`\nThe phrase: ${phrase}`);
    const confirmation = asked.confirm ?? (await ask('Type it to purge: '));
    try {
      await purges.execute(actor, { planId, confirmation });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      terminal.complain(`Nothing was removed: ${error.errors?.[0]?.message ?? error.detail}.`);
      return 1;
    }
    const report = await follow(app, planId, signal);
    terminal.say(toMarkdown(report));
    return report.passed ? 0 : 1;
  });
}

/** What is asked for; `help`, or else a text that says what is wrong. */
function read(args: readonly string[]): { scope: PurgeScope; confirm?: string } | string {
  let values: { scope?: string; confirm?: string; help?: boolean };
  try {
    const options = {
      scope: { type: 'string' },
      confirm: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    } as const;
    ({ values } = parseArgs({ args: [...args], options }));
  } catch (error) {
    return (error as Error).message.split('. ')[0]!;
  }
  const { scope, confirm, help } = values;
  if (help) return 'help';
  if (scope === undefined) return 'Say with --scope what is to go';
  return PURGE_SCOPES.includes(scope as PurgeScope)
    ? { scope: scope as PurgeScope, confirm }
    : `There is no scope "${scope}"`;
}

/** Does what was confirmed here, unless a server does, and waits for its end. */
async function follow(app: INestApplicationContext, planId: string, signal: AbortSignal): Promise<PurgeReportView> {
  const [message] = await app
    .get(OutboxHistory, { strict: false })
    .list({ topic: PURGE_TOPIC, summary: { purge: planId }, limit: 1 });
  for (;;) {
    await app.get(OutboxWorker, { strict: false }).deliver(message!.id, signal);
    const report = await app.get(PurgeService, { strict: false }).report(planId);
    if (report.status === 'completed') return report;
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
}

/** Who of a table goes, by name. */
function whoGoes({ table, total, sample }: ShownRowsView): string[] {
  const width = Math.max(0, ...sample.map(({ address }) => address.length));
  return [
    `${total} ${table} go${sample.length > 0 ? ':' : ''}`,
    ...sample.map(({ address, name, why }) => `  ${address.padEnd(width)}  ${name} (${why})`),
    ...(total > sample.length ? [`  … and ${total - sample.length} more`] : []),
    '',
  ];
}

/** Tables of which rows go, and in one line each those that stay as they are and those that are empty. */
function whatGoes(tables: readonly PlannedTableView[]): string[] {
  const going = tables.filter(({ remove }) => remove > 0);
  const staying = tables.filter(({ remove, keep }) => remove === 0 && keep > 0);
  const empty = tables.length - going.length - staying.length;
  const width = Math.max(5, ...going.map(({ table }) => table.length));
  const row = (table: string, remove: string | number, keep: string | number, reason: string): string =>
    `${table.padEnd(width)}  ${String(remove).padStart(9)}  ${String(keep).padStart(9)}  ${reason}`;
  return [
    row('table', 'removes', 'keeps', 'what it keeps, and why'),
    ...going.map(({ table, remove, keep, reason }) => row(table, remove, keep, reason)),
    `\n${staying.length} tables stay as they are: ${staying.map(({ table, keep }) => `${table} ${keep}`).join(', ')}`,
    `${empty} are empty`,
  ];
}
