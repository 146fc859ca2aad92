import autocannon from 'autocannon';

/** What a load found. */
export interface Load {
  /** Answers with the expected status in a second. */
  perSecond: number;
  p50: number;
  p99: number;
}

export interface LoadOptions {
  url: string;
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  body?: string;
  connections: number;
  seconds: number;
  /** Makes each request of a connection from its last answer. */
  next?: (connection: number, lastBody: string | null) => { headers?: Record<string, string>; body?: string };
}

/**
 * Loads one address and counts its answers.
 * @throws Error when any answer is not 2xx: a fast refusal is no speed.
 */
export async function load(options: LoadOptions): Promise<Load> {
  const result = await autocannon({
    url: options.url,
    connections: options.connections,
    duration: options.seconds,
    method: options.method ?? 'GET',
    headers: options.headers,
    body: options.body,
    ...(options.next && { setupClient: clientSetup(options.next) }),
  });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${options.url}: ${result.non2xx} answers were not 2xx, ${result.errors} errors`);
  return { perSecond: result['2xx'] / result.duration, p50: result.latency.p50, p99: result.latency.p99 };
}

function clientSetup(next: NonNullable<LoadOptions['next']>): (client: autocannon.Client) => void {
  let connections = 0;
  return (client) => {
    const connection = connections++;
    const arm = (body: string | null): void => {
      const request = next(connection, body);
      if (request.headers) client.setHeaders(request.headers);
      if (request.body !== undefined) client.setBody(request.body);
    };
    arm(null);
    client.on('body', (body) => arm(body.toString()));
  };
}

/** The middle of some figures. */
export function median(figures: number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
