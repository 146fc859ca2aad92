import { verify } from '@node-rs/argon2';
import type { EmbeddedPostgres } from '../src/database/embedded/embedded-postgres.js';
import { newId } from '../src/kernel/ids.js';
import { inTurn, load } from './load.js';
import type { Figure } from './figure.js';
import { asSuperuser, PASSWORD, storedPassword } from './people.js';
import { serve, tenonEnv } from './server.js';

const AT_ONCE = 32;
const SECONDS = 10;
const ROUNDS = 3;

/**
 * Logins with 32 at once, against the rate at which the library alone checks that hash, 32 at once; and against what
 * cannot be left out of a login, on bare Fastify (`bare-login.ts`), whose own share of the hash rate is printed as well.
 */
export async function loginBench(postgres: EmbeddedPostgres): Promise<Figure[]> {
  const tenon = await serve('src/main', [], { ...tenonEnv(postgres), RATE_LIMITS: 'off' }, '/health');
  const bare = await serve('bench/bare-login', [postgres.appUrl], {}, '/health');
  const stored = await storedPassword();
  const emails = await addPeople(postgres, stored);
  const rates = await inTurn(ROUNDS, {
    tenon: () => logins(`${tenon.url}/api/v1/auth/login`, emails),
    bare: () => logins(`${bare.url}/login`, emails),
    hash: () => bareHashRate(stored),
  });
  await Promise.all([tenon.stop(), bare.stop()]);
  const name = `login, ${AT_ONCE} at once`;
  const unit = 'logins/s';
  return [
    { name: `${name} : bare Argon2id`, figure: rates.tenon, limit: rates.hash, unit, atLeast: 0.85 },
    {
      name: `${name} : its statements and hash on bare Fastify`,
      figure: rates.tenon,
      limit: rates.bare,
      unit,
      atLeast: 0.85,
    },
    { name: `its statements and hash on bare Fastify : bare Argon2id`, figure: rates.bare, limit: rates.hash, unit },
  ];
}

async function logins(url: string, emails: string[]): Promise<number> {
  const { perSecond } = await load({
    url,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    connections: AT_ONCE,
    seconds: SECONDS,
    next: (connection) => ({ body: JSON.stringify({ email: emails[connection], password: PASSWORD }) }),
  });
  return perSecond;
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
