import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

const NOTIFICATION_RESPONSE = 'A'.charCodeAt(0);

/** A way to PostgreSQL that can misbehave like a pooler, or like a network. */
export class PostgresProxy {
  /** Lose notifications, as PgBouncer does in transaction mode; everything else passes. */
  swallowing = false;
  /** Lose everything, in both directions, without closing a connection. */
  silent = false;
  /** Close new connections at once, as while the server is down. */
  refusing = false;
  private readonly sockets = new Set<Socket>();
  private constructor(
    readonly url: string,
    private readonly server: Server,
  ) {}

  /** Listens on a free port, and leads to the server of `url`. */
  static async start(url: string): Promise<PostgresProxy> {
    const target = new URL(url);
    // Nagle's algorithm would add 40 ms to each message of several parts.
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const here = new URL(url);
    here.hostname = '127.0.0.1';
    here.port = String((server.address() as AddressInfo).port);
    const proxy = new PostgresProxy(here.href, server);
    server.on('connection', (client) => {
      if (proxy.refusing) client.destroy();
      else proxy.join(client, connect({ port: Number(target.port), host: target.hostname, noDelay: true }));
    });
    return proxy;
  }

  /** Closes every connection. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private join(client: Socket, server: Socket): void {
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (data) => {
      if (!this.silent) server.write(data);
    });
    let rest = Buffer.alloc(0);
    server.on('data', (data: Buffer) => {
      if (this.silent) return;
      rest = Buffer.concat([rest, data]);
      // Each message is its type, its length without the type, and its body.
      for (let end; rest.length >= 5 && rest.length >= (end = 1 + rest.readInt32BE(1)); rest = rest.subarray(end))
        if (!this.swallowing || rest[0] !== NOTIFICATION_RESPONSE) client.write(rest.subarray(0, end));
    });
  }
}
