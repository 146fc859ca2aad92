import Fastify from 'fastify';

/** The limits for OFREP: what Tenon has answered, byte by byte, on bare Fastify, which parses the body and is asked no more. */
const [flags, flag, headers, body] = process.argv.slice(2) as [string, string, string, string];
const single = await ask(`${flags}/${flag}`);
const bulk = await ask(flags);
const app = Fastify();
app.get('/health', () => ({ ok: true }));
app.post('/ofrep/v1/evaluate/flags/:key', (_request, reply) => reply.type(single.type).send(single.text));
app.post('/ofrep/v1/evaluate/flags', (_request, reply) => reply.type(bulk.type).send(bulk.text));
app.post('/unchanged', (_request, reply) => reply.code(304).header('etag', bulk.etag).send());
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
process.on('SIGTERM', () => process.exit(0));

async function ask(url: string): Promise<{ text: string; type: string; etag: string | null }> {
  const answer = await fetch(url, { method: 'POST', headers: JSON.parse(headers) as Record<string, string>, body });
  if (answer.status !== 200) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return {
    text: await answer.text(),
    type: answer.headers.get('content-type')!,
    etag: answer.headers.get('etag'),
  };
}
