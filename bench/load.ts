import autocannon from 'autocannon';

/** What a load found. */
export interface Load {
  /** Answers with the expected status in a second. */
  perSecond: number;
  /** Half of the answers took no longer, in ms. */
  p50: number;
}

/** One of the requests that a connection asks in turn. */
export type Request = Pick<autocannon.Request, 'method' | 'path' | 'headers' | 'body'>;

export interface LoadOptions {
  url: string;
  method?: 'GET' | 'POST' | 'PATCH';
  headers?: Record<string, string>;
  body?: string;
  connections: number;
  seconds: number;
  /** The only status that is good; any 2xx when left out. */
  status?: number;
  /** What a connection asks in turn, instead of the same again and again. */
  turns?: (connection: number) => Request[];
  /** Makes each request of a connection from its last answer. */
  next?: (connection: number, lastBody: string | null) => { headers?: Record<string, string>; body?: string };
  /**
   * Whether this process never sleeps while it loads. A write that wakes a sleeping client costs the server 10 µs on a virtual
   * machine, and the slower of two servers wakes it more often: they would be told apart by that, and not by their own work.
   */
  awake?: boolean;
}

/**
 * Loads one address and counts its answers.
 * @throws Error when any answer has another status than expected: a fast refusal is no speed.
 */
export async function load(options: LoadOptions): Promise<Load> {
  // autocannon's own percentiles are whole milliseconds.
  const times: number[] = [];
  const sleep = options.awake ? stayAwake() : undefined;
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    autocannon(
      {
        url: options.url,
        connections: options.connections,
        duration: options.seconds,
        method: options.method ?? 'GET',
        headers: options.headers,
        body: options.body,
        setupClient: clientSetup(options),
      },
      (error: Error | null, done) => (error ? reject(error) : resolve(done)),
    ).on('response', (_client, _status, _bytes, ms) => times.push(ms));
  }).finally(sleep);
  const { status } = options;
  const good = status === undefined ? result['2xx'] : (result.statusCodeStats?.[`${status}`]?.count ?? 0);
  const others = result['2xx'] + result.non2xx - good;
  if (others > 0 || result.errors > 0)
    throw new Error(`${options.url}: ${others} answers were not ${status ?? '2xx'}, ${result.errors} errors`);
  return { perSecond: good / result.duration, p50: median(times) };
}

/** Keeps this process from sleeping, until what it gives is called. */
function stayAwake(): () => void {
  let awake = true;
  const turn = (): void => {
    if (awake) setImmediate(turn);
  };
  turn();
  return () => {
    awake = false;
  };
}

function clientSetup({ turns, next }: LoadOptions): (client: autocannon.Client) => void {
  let connections = 0;
  return (client) => {
    const connection = connections++;
    if (turns) client.setRequests(turns(connection));
    if (!next) return;
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
  return percentile(figures, 0.5);
}

/** What that part of the figures does not exceed. */
export function percentile(figures: number[], part: number): number {
  const sorted = [...figures].sort((a, b) => a - b);
  return sorted[Math.min(Math.floor(sorted.length * part), sorted.length - 1)]!;
}

/**
 * Measures several things in turn and each round in another order, so that noise falls on all of them alike.
 * @returns the median of each.
 */
export async function inTurn<Name extends string>(
  rounds: number,
  measures: Record<Name, () => Promise<number>>,
): Promise<Record<Name, number>> {
  const names = Object.keys(measures) as Name[];
  const figures = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round < rounds; round += 1)
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(round + turn) % names.length]!;
      figures[name].push(await measures[name]());
    }
  return Object.fromEntries(names.map((name) => [name, median(figures[name])])) as Record<Name, number>;
}
