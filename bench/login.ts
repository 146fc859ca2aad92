import { verify } from '@node-rs/argon2';
import type { EmbeddedPostgres } from '../src/database/embedded/embedded-postgres.js';
import { newId } from '../src/kernel/ids.js';
import { load, median } from './load.js';
import type { Figure } from './figure.js';
import { asSuperuser, PASSWORD, storedPassword } from './people.js';
import { serve, tenonEnv } from './server.js';

const AT_ONCE = 32;
const SECONDS = 5;
const ROUNDS = 3;

/** Logins with 32 at once, against the rate at which the library alone checks that hash, 32 at once. */
export async function loginBench(postgres: EmbeddedPostgres): Promise<Figure[]> {
  const tenon = await serve('../src/main.js', [], { ...tenonEnv(postgres), RATE_LIMITS: 'off' }, '/health');
  const stored = await storedPassword();
  const emails = await addPeople(postgres, stored);
  const figures = { tenon: [] as number[], bare: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    figures.bare.push(await bareHashRate(stored));
    const { perSecond } = await load({
      url: `${tenon.url}/api/v1/auth/login`,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      connections: AT_ONCE,
      seconds: SECONDS,
      next: (connection) => ({ body: JSON.stringify({ email: emails[connection], password: PASSWORD }) }),
    });
    figures.tenon.push(perSecond);
  }
  await tenon.stop();
  return [
    {
      name: `login, ${AT_ONCE} at once : bare Argon2id`,
      figure: median(figures.tenon),
      limit: median(figures.bare),
      unit: 'logins/s',
      atLeast: 0.85,
    },
  ];
}

async function bareHashRate(stored: string): Promise<number> {
  const until = performance.now() + SECONDS * 1_000;
  let checked = 0;
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (performance.now() < until) {
        await verify(stored, PASSWORD);
        checked += 1;
      }
    }),
  );
  return (checked * 1_000) / (performance.now() - begun);
}

async function addPeople(postgres: EmbeddedPostgres, stored: string): Promise<string[]> {
  const client = await asSuperuser(postgres);
  const emails: string[] = [];
  for (let index = 0; index < AT_ONCE; index += 1) {
    const id = newId();
    const email = `bench.${id}@example.com`;
    await client.query(
      `insert into users (id, email, email_verified_at, full_name, status, created_at, updated_at) values ($1, $2, now(), 'Bench', 'active', now(), now())`,
      [id, email],
    );
    await client.query('insert into password_credentials (user_id, password_hash, changed_at) values ($1, $2, now())', [
      id,
      stored,
    ]);
    emails.push(email);
  }
  await client.end();
  return emails;
}
