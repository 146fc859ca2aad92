import { Client } from 'pg';

/** A database that cannot be used; the message is a sentence for the operator and holds no password. */
export class ConnectionTestError extends Error {}

/** PostgreSQL 14 lacks what row security of views and the policies need (security_invoker, 15). */
const OLDEST_VERSION = 15;

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was closed by the other side',
  ENOTFOUND: 'the host is unknown',
  EAI_AGAIN: 'the host is unknown',
  ETIMEDOUT: 'there is no answer',
  EHOSTUNREACH: 'the host cannot be reached',
  '28P01': 'the login or its password is wrong',
  '28000': 'the server does not let this login in',
  '3D000': 'the database does not exist',
  '42501': 'this login may not connect to the database',
  '53300': 'the server has no connection left',
  '57P03': 'the server is starting up',
};

/**
 * Tests a connection before anything is done with it.
 * @param variable that holds the URL, to name it to the operator.
 * @returns what was found, as a sentence.
 * @throws ConnectionTestError that says what is wrong.
 */
export async function testConnection(url: string, variable: string): Promise<string> {
  const { hostname, port, pathname, username } = new URL(url);
  const place = `the database "${decodeURIComponent(pathname.slice(1))}" on ${hostname}:${port || 5432} as "${decodeURIComponent(username)}" (${variable})`;
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  try {
    await client.connect();
    const { rows } = await client.query<{ version: string; number: number }>(
      `select current_setting('server_version') as version, current_setting('server_version_num')::int as number`,
    );
    const { version, number } = rows[0]!;
    if (number < OLDEST_VERSION * 10_000)
      throw new ConnectionTestError(
        `PostgreSQL ${version} at ${place} is too old: ${OLDEST_VERSION} or newer is needed.`,
      );
    return `Connected to ${place}, PostgreSQL ${version.split(' ')[0]}.`;
  } catch (error) {
    if (error instanceof ConnectionTestError) throw error;
    const { code = '', message } = error as { code?: string; message: string };
    const late = /timeout/i.test(message) ? REASONS.ETIMEDOUT : undefined;
    throw new ConnectionTestError(`Cannot connect to ${place}: ${REASONS[code] ?? late ?? message}.`, { cause: error });
  } finally {
    await client.end().catch(() => undefined);
  }
}
