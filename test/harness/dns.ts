import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import * as dns from 'dns-packet';

/** What the server has for a name. */
export interface DnsZone {
  /** TXT records; each is one string, or the strings that it is cut into. */
  txt?: (string | string[])[];
  /** Records of other types. */
  other?: dns.Answer[];
  /** Instead of an answer; `silence`: none. */
  fails?: 'SERVFAIL' | 'REFUSED' | 'silence' | 'garbage';
  /** The answer waits for it. */
  after?: Promise<unknown>;
}

/** A real DNS server on loopback, over UDP and TCP. */
export interface DnsServer {
  /** For DNS_SERVERS. */
  address: string;
  /** What it knows, by name; for anything else it says NXDOMAIN. */
  zones: Map<string, DnsZone>;
  /** What was asked, in order. */
  asked: { name: string; over: 'udp' | 'tcp' }[];
  close(): Promise<void>;
}

const RCODES = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 };
/** The size over UDP that resolvers ask for with EDNS; what is longer is cut and asked for again over TCP. */
const UDP_MAX = 1232;

/** Starts a DNS server on a free port. */
export async function startDnsServer(): Promise<DnsServer> {
  const zones: DnsServer['zones'] = new Map();
  const asked: DnsServer['asked'] = [];

  /** The answer to a question; null for none. */
  async function answer(query: dns.Packet, over: 'udp' | 'tcp'): Promise<Buffer | null> {
    const name = query.questions![0]!.name.toLowerCase();
    asked.push({ name, over });
    const zone = zones.get(name);
    await zone?.after;
    if (zone?.fails === 'silence') return null;
    if (zone?.fails === 'garbage') return Buffer.alloc(30, 0xff);
    const rcode = zone ? (zone.fails ? RCODES[zone.fails] : 0) : RCODES.NXDOMAIN;
    const records = (zone?.txt ?? []).map((data): dns.Answer => ({ type: 'TXT', name, ttl: 0, data }));
    const response: dns.Packet = {
      type: 'response',
      id: query.id,
      flags: dns.RECURSION_DESIRED | dns.RECURSION_AVAILABLE | rcode,
      questions: query.questions,
      answers: [...(zone?.other ?? []), ...records],
    };
    const whole = dns.encode(response);
    if (over === 'tcp' || whole.length <= UDP_MAX) return whole;
    return dns.encode({ ...response, flags: response.flags! | dns.TRUNCATED_RESPONSE, answers: [] });
  }

  const udp = createSocket('udp4');
  const sockets = new Set<Socket>();
  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (message) => {
      // A question is short, and comes in one piece on loopback.
      void answer(dns.streamDecode(message), 'tcp').then((bytes) => {
        if (bytes && socket.writable) socket.write(Buffer.concat([lengthOf(bytes), bytes]));
      });
    });
  });
  // TCP first: UDP has the fewer users who could have its port by chance.
  tcp.listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const { port } = tcp.address() as AddressInfo;
  let open = true;
  udp.on('message', (message, { port: from, address }) => {
    void answer(dns.decode(message), 'udp').then((bytes) => {
      if (bytes && open) udp.send(bytes, from, address);
    });
  });
  udp.bind(port, '127.0.0.1');
  await once(udp, 'listening');

  return {
    address: `127.0.0.1:${port}`,
    zones,
    asked,
    close: async () => {
      open = false;
      for (const socket of sockets) socket.destroy();
      await Promise.all([
        new Promise<void>((resolve) => udp.close(resolve)),
        new Promise((resolve) => tcp.close(resolve)),
      ]);
    },
  };
}

/** Two bytes of length stand before a message over TCP (RFC 1035, 4.2.2). */
function lengthOf(bytes: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return length;
}
