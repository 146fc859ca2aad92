import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** What of this machine's environment a server gets; everything else is said by the test. */
const inherited = { PATH: process.env.PATH, HOME: process.env.HOME, LC_ALL: 'C.UTF-8' };

/** A server in a process group of its own, as a shell starts it. */
export interface ServerProcess {
  pid: number;
  /** Everything that it printed, both streams. */
  output(): string;
  /** Sends a signal to the whole process group, as Ctrl-C does. */
  signalGroup(signal: NodeJS.Signals): void;
  /** The exit code, or the signal that ended it. */
  exit: Promise<number | NodeJS.Signals>;
}

export interface LaunchOptions {
  cwd: string;
  env: Record<string, string>;
  /** Another user of this machine; only root may. */
  user?: { uid: number; gid: number };
}

/** Starts a command and goes on at once. */
export function launch(command: string, args: string[], { cwd, env, user }: LaunchOptions): ServerProcess {
  const child = spawn(command, args, {
    cwd,
    env: { ...inherited, ...env },
    uid: user?.uid,
    gid: user?.gid,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  return {
    pid: child.pid!,
    output: () => output,
    signalGroup: (signal) => {
      process.kill(-child.pid!, signal);
    },
    exit: exitOf(child),
  };
}

// 'close' and not 'exit': by then everything that was printed has arrived.
function exitOf(child: ChildProcess): Promise<number | NodeJS.Signals> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal!));
  });
}

/** Waits until the server listens. @throws Error with what it printed when it ends before. */
export async function listening(server: ServerProcess): Promise<ServerProcess> {
  let ended: number | NodeJS.Signals | undefined;
  void server.exit.then((exit) => (ended = exit));
  while (!/^Tenon listens on /m.test(server.output())) {
    if (ended !== undefined) throw new Error(`The server ended with ${ended}:\n${server.output()}`);
    await sleep(100);
  }
  return server;
}

/** Ends a server that a test is done with. */
export async function stop(server: ServerProcess): Promise<number | NodeJS.Signals> {
  try {
    server.signalGroup('SIGTERM');
  } catch {
    // Gone already.
  }
  return server.exit;
}

/** E-mail and password of the platform admin, as the first start prints them. */
export function printedAdmin(output: string): { email: string; password: string } {
  const [, email, password] = /^Platform admin: (\S+)\n\s+password: (\S+)/m.exec(output) ?? [];
  if (!email || !password) throw new Error(`No admin was printed:\n${output}`);
  return { email, password };
}
