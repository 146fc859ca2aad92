import { availableParallelism, cpus } from 'node:os';
import type { Figure } from './figure.js';
import { benchDatabase } from './server.js';
import { changeLogBench } from './change-log.js';
import { cleanupBench } from './cleanup.js';
import { evaluationBench } from './evaluation.js';
import { featureChangesBench } from './feature-changes.js';
import { featureEvaluationBench } from './feature-evaluation.js';
import { featureMemoryBench } from './feature-memory.js';
import { featureTemplatesBench } from './feature-templates.js';
import { loginBench } from './login.js';
import { membersBench } from './members.js';
import { permissionBench } from './permission.js';
import { refreshBench } from './refresh.js';
import { startBench } from './start.js';
import { tenantsBench } from './tenants.js';
import { tokenRouteBench } from './token-route.js';
import { usageBench } from './usage.js';
import { usersMeBench } from './users-me.js';

const wanted = process.argv.slice(2);
const benches = {
  start: startBench,
  login: loginBench,
  token: tokenRouteBench,
  me: usersMeBench,
  refresh: refreshBench,
  permission: permissionBench,
  members: membersBench,
  tenants: tenantsBench,
  evaluation: evaluationBench,
  ofrep: featureEvaluationBench,
  usage: usageBench,
  'feature-changes': featureChangesBench,
  'change-log': changeLogBench,
  'feature-memory': featureMemoryBench,
  'feature-templates': featureTemplatesBench,
  cleanup: cleanupBench,
};
const unknown = wanted.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
  process.stderr.write(`There is no bench ${unknown.join(', ')}. There are: ${Object.keys(benches).join(', ')}\n`);
  process.exit(1);
}

process.stdout.write(
  `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores, Node ${process.versions.node}\n\n`,
);
let missed = 0;
const postgres = await benchDatabase();
try {
  for (const [name, bench] of Object.entries(benches)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    for (const figure of await bench(postgres)) missed += print(figure);
  }
} finally {
  await postgres.remove();
}
if (missed > 0) {
  process.stdout.write(`\n${missed} missed their bar\n`);
  process.exitCode = 1;
}

function print({ name, figure, limit, unit, atLeast = -Infinity, atMost = Infinity }: Figure): number {
  const ratio = figure / limit;
  const missed = ratio < atLeast || ratio > atMost;
  const verdict =
    (atLeast > -Infinity ? `  ${ratio < atLeast ? 'BELOW' : '>='} ${atLeast}` : '') +
    (atMost < Infinity ? `  ${ratio > atMost ? 'ABOVE' : '<='} ${atMost}` : '');
  process.stdout.write(
    `${name.padEnd(62)} ${round(figure).padStart(9)} of ${round(limit).padStart(9)} ${unit.padEnd(12)} ${ratio.toFixed(2)}${verdict}\n`,
  );
  return missed ? 1 : 0;
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}
