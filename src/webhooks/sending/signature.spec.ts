import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { newSecret, signatureHeaders } from './signature.js';

const body = '{"type":"member.joined","data":{"name":"Zoë 李"}}';
const now = (): number => Math.floor(Date.now() / 1000);

describe('P16 signatures, as the package of Standard Webhooks checks them', () => {
  it('are those that it makes itself', () => {
    const [secret, timestamp] = [newSecret(), now()];
    const theirs = new Webhook(secret).sign('an-id', new Date(timestamp * 1000), body);
    expect(signatureHeaders({ id: 'an-id', timestamp, body }, [secret])).toEqual({
      'webhook-id': 'an-id',
      'webhook-timestamp': String(timestamp),
      'webhook-signature': theirs,
    });
  });

  it('are found by whoever knows one of two secrets, and by nobody else', () => {
    const [current, previous, other] = [newSecret(), newSecret(), newSecret()];
    const headers = signatureHeaders({ id: 'an-id', timestamp: now(), body }, [current, previous]);
    expect(headers['webhook-signature']!.split(' ')).toHaveLength(2);
    for (const secret of [current, previous])
      expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
    expect(() => new Webhook(other).verify(body, headers)).toThrow('No matching signature');
    expect(() => new Webhook(current).verify(body.replace('Zoë', 'Zoe'), headers)).toThrow('No matching signature');
    for (const header of ['webhook-id', 'webhook-timestamp'])
      expect(() => new Webhook(current).verify(body, { ...headers, [header]: `${headers[header]}0` })).toThrow();
  });
});
