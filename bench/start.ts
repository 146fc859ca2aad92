import { readFileSync, readdirSync } from 'node:fs';
import { mkdtempSync, chmodSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure } from './figure.js';
import { serve } from './server.js';

/** After the build: first start, with a cluster to install, 8 s; next one 3 s; idle memory of everything 200 MB. */
const WISHES = { firstMs: 8_000, nextMs: 3_000, idleMb: 200 };
const SETTLE_MS = 3_000;

/** Start to healthy, first and next, and idle memory of process and embedded PostgreSQL. Printed without a bar. */
export async function startBench(): Promise<Figure[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tenon-bench-start-'));
  chmodSync(dataDir, 0o755);
  const timed = async (): Promise<{ ms: number; idleMb: number }> => {
    const begun = performance.now();
    const served = await serve('src/main', [], { DATA_DIR: dataDir }, '/health');
    const ms = performance.now() - begun;
    await sleep(SETTLE_MS);
    const idleMb = proportionalMemoryMb(served.process.pid!, dataDir);
    await served.stop();
    return { ms, idleMb };
  };
  const first = await timed();
  const next = await timed();
  rmSync(dataDir, { recursive: true, force: true });
  return [
    {
      name: 'first start to healthy : as we would like it',
      figure: first.ms,
      limit: WISHES.firstMs,
      unit: 'ms',
    },
    {
      name: 'next start to healthy : as we would like it',
      figure: next.ms,
      limit: WISHES.nextMs,
      unit: 'ms',
    },
    {
      name: 'idle memory, Node and PostgreSQL : as we would like it',
      figure: next.idleMb,
      limit: WISHES.idleMb,
      unit: 'MB',
    },
  ];
}

/** Memory of the process and of its PostgreSQL, pages that several share counted once (PSS of smaps_rollup). Linux only. */
function proportionalMemoryMb(pid: number, dataDir: string): number {
  let kb = 0;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const command = readFileSync(`/proc/${entry}/cmdline`, 'utf8');
      const ours = Number(entry) === pid || command.includes(dataDir) || parentCommand(entry).includes(dataDir);
      if (ours) kb += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${entry}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
    } catch {
      // The process is gone, or not ours to look at.
    }
  }
  return kb / 1024;
}

function parentCommand(pid: string): string {
  const parent = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return parent ? readFileSync(`/proc/${parent}/cmdline`, 'utf8') : '';
}
