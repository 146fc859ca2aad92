import Fastify, { type FastifyReply } from 'fastify';

/**
 * The limits for OFREP: what Tenon has answered, on bare Fastify, which parses the body and is asked no more. Below `/whole`
 * it is every byte of the answer, its 20 headers included; below `/body` the body alone, with no header but its type.
 */
const [flags, flag, headers, body] = process.argv.slice(2) as [string, string, string, string];
/** Of each connection and answer, and made by Node itself. */
const HOP_BY_HOP = new Set(['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding']);

interface Kept {
  status: number;
  text: string;
  headers: Record<string, string>;
}

const single = await ask(`${flags}/${flag}`, 200);
const bulk = await ask(flags, 200);
const unchanged = await ask(flags, 304, { 'if-none-match': bulk.headers.etag! });
const app = Fastify();
app.get('/health', () => ({ ok: true }));
for (const [prefix, kept] of Object.entries({ '/whole': Object.keys, '/body': () => ['content-type', 'etag'] })) {
  const answer = ({ status, text, headers: all }: Kept): ((_: unknown, reply: FastifyReply) => FastifyReply) => {
    const some = Object.fromEntries(kept(all).flatMap((name) => (name in all ? [[name, all[name]]] : [])));
    return (_, reply) => reply.code(status).headers(some).send(text);
  };
  app.post(`${prefix}/flags/:key`, answer(single));
  app.post(`${prefix}/flags`, answer(bulk));
  app.post(`${prefix}/unchanged`, answer(unchanged));
}
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
process.on('SIGTERM', () => process.exit(0));

async function ask(url: string, status: number, also: Record<string, string> = {}): Promise<Kept> {
  const sent = { ...(JSON.parse(headers) as Record<string, string>), ...also };
  const answer = await fetch(url, { method: 'POST', headers: sent, body });
  const text = await answer.text();
  if (answer.status !== status) throw new Error(`${url}: ${answer.status} ${text}`);
  return {
    status,
    text,
    headers: Object.fromEntries([...answer.headers].filter(([name]) => !HOP_BY_HOP.has(name))),
  };
}
