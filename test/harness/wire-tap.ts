import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

/** An error that PostgreSQL gave to a statement, as it stands in its log. */
export interface ServerError {
  /** SQLSTATE. */
  code: string;
  message: string;
}

/** A wire to PostgreSQL on which every error of the server is seen, whatever the server is told to log. */
export interface WireTap {
  /** The same login and database, by way of the tap. */
  url: string;
  /** Every error so far, oldest first. */
  errors: ServerError[];
  close(): Promise<void>;
}

/** Puts a tap between the application and its database. */
export async function tapWire(url: string): Promise<WireTap> {
  const target = new URL(url);
  const errors: ServerError[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    const read = errorReader((error) => errors.push(error));
    client.on('data', (chunk) => upstream.write(chunk));
    upstream.on('data', (chunk) => {
      read(chunk);
      client.write(chunk);
    });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const tapped = new URL(url);
  tapped.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: tapped.href,
    errors,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Reads the server's messages: a letter, four bytes of length, then the body; `E` is an error of null-ended fields. */
function errorReader(found: (error: ServerError) => void): (chunk: Buffer) => void {
  let pending = Buffer.alloc(0);
  return (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 5) {
      const end = 1 + pending.readUInt32BE(1);
      if (pending.length < end) return;
      if (pending[0] === 'E'.charCodeAt(0)) {
        const fields = new Map(
          pending
            .subarray(5, end)
            .toString()
            .split('\0')
            .map((field) => [field[0], field.slice(1)]),
        );
        found({ code: fields.get('C') ?? '', message: fields.get('M') ?? '' });
      }
      pending = pending.subarray(end);
    }
  };
}
