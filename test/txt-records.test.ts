import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DnsServer, startDnsServer } from './harness/dns.js';
import { freePort } from './harness/port.js';
import { txtRecordsOf } from '../src/organizations/domains/txt-records.js';

const NAME = '_tenon-challenge.acme.example';
const FAILED = { code: 'external_service_failed', status: 502 };

let dns: DnsServer;
beforeAll(async () => {
  dns = await startDnsServer();
});
afterAll(() => dns.close());

/** Waits as the product does where an answer comes: on a loaded machine 20 ms passed before one was read, twice. */
const ask = (): Promise<string[]> => txtRecordsOf(NAME, [dns.address]);
const NO_ANSWER_MS = 20;

describe('O5 TXT records', () => {
  it('are read whole: the strings of one record belong together', async () => {
    dns.zones.set(NAME, { txt: [['tenon-', 'verification', '=abc'], 'v=spf1 -all', ''] });
    expect(await ask()).toEqual(['tenon-verification=abc', 'v=spf1 -all', '']);
  });

  it('that are not there are an answer: NXDOMAIN and NODATA', async () => {
    dns.zones.delete(NAME);
    expect(await ask()).toEqual([]);
    dns.zones.set(NAME, { other: [{ type: 'A', name: NAME, data: '192.0.2.1' }] });
    expect(await ask()).toEqual([]);
  });

  it('are asked for over TCP when they do not fit UDP, up to a whole message of DNS', async () => {
    dns.asked.length = 0;
    const huge = Array.from({ length: 220 }, (_, index) => `${index}-`.padEnd(250, 'x'));
    dns.zones.set(NAME, { txt: huge });
    expect(await ask()).toEqual(huge);
    expect(dns.asked.map(({ over }) => over)).toEqual(['udp', 'tcp']);
  });

  it('behind a CNAME count; one that leads to itself is nothing, and is not followed', async () => {
    const cname = (name: string, data: string) => ({ type: 'CNAME', name, data }) as const;
    dns.zones.set(NAME, { other: [cname(NAME, 'proofs.acme.example')], txt: ['proof'] });
    expect(await ask()).toEqual(['proof']);
    dns.asked.length = 0;
    dns.zones.set(NAME, { other: [cname(NAME, 'loop.acme.example'), cname('loop.acme.example', NAME)] });
    expect(await ask()).toEqual([]);
    expect(dns.asked).toHaveLength(1);
  });

  it.each(['SERVFAIL', 'REFUSED', 'silence', 'garbage'] as const)('are unknown after %s', async (fails) => {
    dns.zones.set(NAME, { fails });
    await expect(txtRecordsOf(NAME, [dns.address], NO_ANSWER_MS)).rejects.toMatchObject(FAILED);
  });

  it('are unknown while the server is down; another one is asked', async () => {
    const down = `127.0.0.1:${await freePort()}`;
    await expect(txtRecordsOf(NAME, [down], NO_ANSWER_MS)).rejects.toMatchObject(FAILED);
    dns.zones.set(NAME, { txt: ['found'] });
    expect(await txtRecordsOf(NAME, [down, dns.address])).toEqual(['found']);
  });
});
