import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { EntityManager } from '@mikro-orm/postgresql';
import { TOKEN_TYPE_NAMES, TYPE_NAMES } from '../cleanup/expiring-types.js';
import { RUN_TOPIC } from '../cleanup/runs/cleanup-runner.js';
import { CleanupRunsService, type RunWish } from '../cleanup/runs/cleanup-runs.service.js';
import { type RunView, toRunView } from '../cleanup/runs/cleanup-runs.view.js';
import { asSystem } from '../database/tenant-context.js';
import { OutboxWorker } from '../jobs/outbox-worker.js';
import { StoppedError } from '../jobs/time-limit.js';
import { Actor } from '../kernel/actor.js';
import { inApplication, type Terminal } from './command.js';

const USAGE = `Usage: npm run cleanup -- [--types TYPE,TYPE] [--batch-size 1…10000] [--dry-run] [--help]
Removes what has expired; with --dry-run it counts. Without types, every token.
Types: ${TYPE_NAMES.join(', ')}`;
const LOOK_EVERY_MS = 200;
const BAR = 30;

/** Where progress is drawn over itself, if it is a terminal. */
interface Screen {
  isTTY?: boolean;
  write(text: string): unknown;
}

/**
 * The command `cleanup`: asks for a run as the API does, and works on it itself unless a server is faster.
 * @param args after the command's name.
 * @param signal interrupts it after the batch that runs; a server does the rest.
 * @returns the exit code: 0 done, 1 failed or interrupted, 2 not understood.
 */
export async function cleanup(
  args: readonly string[],
  terminal: Terminal,
  signal: AbortSignal,
  screen: Screen,
): Promise<number> {
  const wish = readWish(args);
  if (wish === 'help') {
    terminal.say(USAGE);
    return 0;
  }
  if (typeof wish === 'string') {
    terminal.complain(`${wish}.\n${USAGE}`);
    return 2;
  }
  return inApplication(terminal, async (app) => {
    const runs = app.get(CleanupRunsService, { strict: false });
    const worker = app.get(OutboxWorker, { strict: false });
    const em = app.get(EntityManager, { strict: false }).fork();
    const { runId } = await runs.request(Actor.system('cleanup-command'), wish);
    const look = async (): Promise<RunView> => toRunView((await runs.find(runId))!);
    const shown = (async () => {
      for (let last = -1, view = await look(); ; view = await look()) {
        if (view.progress !== last) draw(screen, terminal, view);
        last = view.progress;
        if (isOver(view) || signal.aborted) return view;
        await sleep(LOOK_EVERY_MS);
      }
    })();
    try {
      while (!signal.aborted && !isOver(await look())) {
        const messages = await asSystem(em, (system) =>
          system.execute<{ id: string }[]>(
            `select id from outbox where topic = ? and status = 'pending' and summary ->> 'run' = ?`,
            [RUN_TOPIC, runId],
          ),
        );
        for (const { id } of messages) await worker.deliver(id, signal);
        await sleep(LOOK_EVERY_MS);
      }
    } catch (error) {
      if (!(error instanceof StoppedError)) throw error;
    }
    return report(terminal, screen, await shown);
  });
}

const isOver = ({ status }: RunView): boolean => status === 'completed' || status === 'failed';

/** What is asked for; `help`, or else a text that says what is wrong. */
function readWish(args: readonly string[]): RunWish | string {
  let values: { types?: string; 'batch-size'?: string; 'dry-run'?: boolean; help?: boolean };
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        types: { type: 'string' },
        'batch-size': { type: 'string' },
        'dry-run': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    return (error as Error).message.split('. ')[0]!;
  }
  if (values.help) return 'help';
  const types = values.types?.split(',') ?? [...TOKEN_TYPE_NAMES];
  const unknown = types.find((type) => !TYPE_NAMES.includes(type));
  if (unknown !== undefined) return `There is no type "${unknown}"`;
  const twice = types.find((type, at) => types.indexOf(type) !== at);
  if (twice !== undefined) return `The type ${twice} is named twice`;
  const size = values['batch-size'];
  const batchSize = size === undefined ? undefined : /^\d{1,5}$/.test(size) ? Number(size) : 0;
  if (batchSize !== undefined && (batchSize < 1 || batchSize > 10_000))
    return `The batch size has to be a number from 1 to 10000, not "${size}"`;
  return { types, batchSize, dryRun: values['dry-run'], trigger: 'command' };
}

function draw(screen: Screen, { say }: Terminal, { progress, result }: RunView): void {
  const done = Math.round((progress / 100) * BAR);
  const told = result.dryRun ? `${result.totalExpired} counted` : `${result.totalDeleted} removed`;
  if (screen.isTTY) screen.write(`\r[${'#'.repeat(done)}${'.'.repeat(BAR - done)}] ${progress} %, ${told} `);
  else say(`${progress} %, ${told}`);
}

function report({ say, complain }: Terminal, screen: Screen, { status, result }: RunView): number {
  if (screen.isTTY) screen.write('\n');
  for (const [type, { expired, deleted }] of Object.entries(result.byType))
    say(`${type}: ${expired} expired${result.dryRun ? '' : `, ${deleted} removed`}`);
  for (const { type, count, message } of result.errors) complain(`${type}: ${count} batches failed: ${message}`);
  if (status !== 'completed' && status !== 'failed') complain('Interrupted; a server does the rest.');
  say(
    result.dryRun
      ? `Dry run: ${result.totalExpired} expired rows would go, nothing was removed`
      : `${result.totalExpired} expired, ${result.totalDeleted} removed in ${result.durationMs} ms`,
  );
  return status === 'completed' ? 0 : 1;
}
