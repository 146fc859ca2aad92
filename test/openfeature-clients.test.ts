import { OFREPProvider } from '@openfeature/ofrep-provider';
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';
import { ErrorCode, OpenFeature, StandardResolutionReasons } from '@openfeature/server-sdk';
import { type EventDetails, OpenFeature as WebOpenFeature, ProviderEvents } from '@openfeature/web-sdk';
import { EventSource } from 'eventsource';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { EventStreams } from '../src/features/openfeature/event-streams.js';
import { insertApiKey, insertServiceAccount } from './harness/api-keys.js';
import { startApp, type TestApp } from './harness/app.js';
import { insertFeatures, newFeatureKey } from './harness/features.js';
import { insertMember, insertOrganization, type Member } from './harness/organizations.js';
import { type Person, signInAdmin } from './harness/people.js';

/** As an application knows it: where Tenon is, and a key. */
interface Connection {
  baseUrl: string;
  headers: [string, string][];
}

let tenon: TestApp;
let path: string;
let connection: Connection;
let platformAdmin: Person;
let owner: Member;
beforeAll(async () => {
  // PUBLIC_URL is where it listens unless said, so the address of the stream that clients are told is the right one.
  tenon = await startApp();
  const organization = await insertOrganization(tenon.db);
  path = organization.path;
  const account = await insertServiceAccount(tenon.db, organization.organizationId);
  const { auth } = await insertApiKey(tenon.db, organization.organizationId, account, {
    scopes: ['features:evaluate'],
  });
  connection = { baseUrl: tenon.url, headers: [['Authorization', auth.authorization]] };
  platformAdmin = await signInAdmin(tenon);
  owner = await insertMember(tenon, organization.organizationId, 'owner');
});
afterAll(() => tenon.close());

const GERMANS = [{ attribute: 'country', operator: 'in' as const, values: ['DE'] }];

describe('F8 the OpenFeature SDK for servers', () => {
  beforeAll(() => OpenFeature.setProviderAndWait(new OFREPProvider(connection)));
  afterAll(() => OpenFeature.close());
  const client = () => OpenFeature.getClient();

  it('evaluates every type for a context', async () => {
    const [on, text, number, object] = (await insertFeatures(
      tenon,
      { configurations: { production: { rules: [{ name: 'germans', when: GERMANS, value: true }] } } },
      {
        type: 'string',
        defaultValue: 'hello',
        configurations: { production: { rules: [{ name: 'germans', when: GERMANS, value: 'hallo' }] } },
      },
      { type: 'number', defaultValue: 2.5 },
      { type: 'json', defaultValue: { theme: { dark: true }, sizes: [1, 2] } },
    )) as [string, string, string, string];
    const [german, french] = [
      { targetingKey: 'ada', country: 'DE' },
      { targetingKey: 'ada', country: 'FR' },
    ];

    expect(await client().getBooleanValue(on, false, german)).toBe(true);
    expect(await client().getBooleanValue(on, true, french)).toBe(false);
    expect(await client().getStringValue(text, '', german)).toBe('hallo');
    expect(await client().getStringValue(text, '', french)).toBe('hello');
    expect(await client().getNumberValue(number, 0, german)).toBe(2.5);
    expect(await client().getObjectValue(object, {}, german)).toEqual({ theme: { dark: true }, sizes: [1, 2] });
  });

  it('says why, and which variant', async () => {
    const [plain, drawn, killed] = (await insertFeatures(
      tenon,
      { defaultValue: true },
      {
        type: 'string',
        defaultValue: 'grey',
        variants: [{ key: 'sea', value: 'blue', weight: 100 }],
        configurations: { production: { rules: [{ name: 'germans', when: GERMANS, variant: 'sea' }] } },
      },
      { defaultValue: true, configurations: { production: { enabled: false } } },
    )) as [string, string, string];

    expect(await client().getBooleanDetails(plain, false)).toMatchObject({
      value: true,
      reason: StandardResolutionReasons.STATIC,
      flagMetadata: { reason: 'default' },
    });
    expect(await client().getStringDetails(drawn, 'red', { targetingKey: 'ada', country: 'DE' })).toMatchObject({
      value: 'blue',
      variant: 'sea',
      reason: StandardResolutionReasons.TARGETING_MATCH,
      flagMetadata: { reason: 'rule', rule: 'germans' },
    });
    expect(await client().getBooleanDetails(killed, true)).toMatchObject({
      value: false,
      reason: StandardResolutionReasons.DISABLED,
      flagMetadata: { reason: 'kill_switch' },
    });
  });

  it("falls back to the code's default with the code of what is wrong", async () => {
    const [text, rolledOut] = (await insertFeatures(
      tenon,
      { type: 'string', defaultValue: 'hello' },
      { configurations: { production: { rollout: { by: 'targetingKey', percentage: 50 } } } },
    )) as [string, string];
    const failed = { value: true, reason: StandardResolutionReasons.ERROR };

    const missing = await client().getBooleanDetails(newFeatureKey('missing'), true);
    expect(missing).toMatchObject({ ...failed, errorCode: ErrorCode.FLAG_NOT_FOUND });
    const mismatch = await client().getBooleanDetails(text, true);
    expect(mismatch).toMatchObject({ ...failed, errorCode: ErrorCode.TYPE_MISMATCH });
    const keyless = await client().getBooleanDetails(rolledOut, true);
    expect(keyless).toMatchObject({ ...failed, errorCode: ErrorCode.TARGETING_KEY_MISSING });
  });
});

describe('F8 the OpenFeature SDK for browsers', () => {
  // Browsers have it; Node only behind a switch.
  beforeAll(() => void vi.stubGlobal('EventSource', EventSource));
  afterAll(async () => {
    await WebOpenFeature.close();
    vi.unstubAllGlobals();
  });

  it('has all flags from the start, and hears of a change and of an override over the stream alone', async () => {
    const [key, other] = (await insertFeatures(
      tenon,
      { type: 'string', defaultValue: 'first' },
      {
        type: 'number',
        defaultValue: 1,
        configurations: { production: { rules: [{ name: 'germans', when: GERMANS, value: 49 }] } },
      },
    )) as [string, string];
    const [streams, changes] = [tenon.app.get(EventStreams), vi.fn<(details?: EventDetails) => void>()];
    await WebOpenFeature.setContext({ targetingKey: 'ada', country: 'DE' });
    await WebOpenFeature.setProviderAndWait(
      new OFREPWebProvider({ ...connection, pollInterval: 0, cacheMode: 'disabled' }),
    );
    const client = WebOpenFeature.getClient();
    client.addHandler(ProviderEvents.ConfigurationChanged, changes);
    /** Waits for an event that names the flag, and forgets it. */
    const changed = async (): Promise<void> => {
      await vi.waitFor(
        () => expect(changes.mock.calls.flatMap(([event]) => event?.flagsChanged)).toContain(key),
        5_000,
      );
      changes.mockClear();
    };

    expect(client.getStringDetails(key, '')).toMatchObject({ value: 'first', reason: 'STATIC' });
    expect(client.getNumberDetails(other, 0)).toMatchObject({ value: 49, flagMetadata: { rule: 'germans' } });
    expect(client.getStringDetails(newFeatureKey('missing'), 'code')).toMatchObject({
      value: 'code',
      errorCode: 'FLAG_NOT_FOUND',
    });
    expect(client.getStringDetails(other, 'code')).toMatchObject({ value: 'code', errorCode: 'TYPE_MISMATCH' });

    await tenon.http
      .put(`/api/v1/features/${key}/environments/production`)
      .set(platformAdmin.auth)
      .send({ enabled: true, rules: [{ name: 'germans', when: GERMANS, value: 'second' }] })
      .expect(200);
    await changed();
    expect(client.getStringDetails(key, '')).toMatchObject({ value: 'second', reason: 'TARGETING_MATCH' });
    await vi.waitFor(() => expect(streams.size).toBe(1));

    await tenon.http
      .put(`${path}/features/${key}`)
      .set(owner.auth)
      .send({ value: 'third', reason: 'For a test' })
      .expect(200);
    await changed();
    expect(client.getStringDetails(key, '')).toMatchObject({ value: 'third', flagMetadata: { reason: 'override' } });

    await WebOpenFeature.close();
    await vi.waitFor(() => expect(streams.size).toBe(0));
  });
});
