import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type TestApp } from './harness/app.js';

describe('P2 health', () => {
  let tenon: TestApp;
  beforeAll(async () => {
    tenon = await startApp();
  });
  afterAll(() => tenon.close());

  it('says healthy with time and version', async () => {
    const { body } = await tenon.http.get('/health').expect(200);
    expect(body).toEqual({ status: 'healthy', timestamp: expect.any(String), version: '0.1.0' });
  });

  it('names the dependencies', async () => {
    const { body } = await tenon.http.get('/health/ready').expect(200);
    expect(body.dependencies).toMatchObject({ database: { state: 'up' }, changes: { state: 'up' } });
  });

  it('answers an unknown address with a problem that carries the request id', async () => {
    const { body, headers } = await tenon.http.get('/nowhere').expect(404);
    expect(headers['content-type']).toContain('application/problem+json');
    expect(body).toMatchObject({ status: 404, code: 'not_found', requestId: headers['x-request-id'] });
  });

  it('answers an address that cannot be read with a problem, and does not repeat it', async () => {
    const { body, headers, text } = await tenon.http.get('/api/v1/auth/sessions/%zz').expect(404);
    expect(headers['content-type']).toContain('application/problem+json');
    expect(body).toMatchObject({ code: 'not_found', requestId: headers['x-request-id'] });
    expect(text).not.toContain('%zz');
  });
});
