import { readdir, readFile } from 'node:fs/promises';

import { run } from './run.js';

/** A process of a cluster: the command line holds the cluster's name, of the postmaster and of its children alike. */
export async function isProcessOf(clusterName: string, pid: number): Promise<boolean> {
  return belongsTo(clusterName, await commandOf(pid));
}

/** The pids of the postmaster and of every other process of the cluster. */
export async function processesOf(clusterName: string): Promise<number[]> {
  const pids: number[] = [];
  for (const pid of await allPids()) {
    if (await isProcessOf(clusterName, pid)) pids.push(pid);
  }
  return pids;
}

/** `/dir/bin/postgres … cluster_name=NAME …` or `postgres: NAME: tenon tenon 127.0.0.1(5000) idle`. */
function belongsTo(clusterName: string, command: string): boolean {
  return /^(\S.*\/postgres\b|postgres:)/.test(command) && command.includes(clusterName);
}

/** Empty for a process that is gone, and for a zombie that nobody has reaped, as in a container without an init. */
async function commandOf(pid: number): Promise<string> {
  if (process.platform !== 'linux') return (await run('ps', ['-ww', '-o', 'command=', '-p', String(pid)])).output;
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return command.replaceAll('\0', ' ');
}

async function allPids(): Promise<number[]> {
  if (process.platform === 'linux') return (await readdir('/proc')).map(Number).filter(Number.isInteger);
  return (await run('ps', ['-axo', 'pid='])).output.split(/\s+/).map(Number);
}
