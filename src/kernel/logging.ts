import type { LoggerService, LogLevel } from '@nestjs/common';
import { type Logger, pino } from 'pino';
import { Env } from '../../config/env.js';

/** The log: JSON lines on stdout. Bodies, headers and queries are never logged; what could slip through is masked. */
export function createLog(env: Env): Logger {
  return pino({
    level: env.logLevel,
    base: { service: 'tenon' },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: ['password', 'token', 'authorization', 'cookie', 'secret'].flatMap((name) => [
        name,
        `*.${name}`,
        `*.*.${name}`,
      ]),
      censor: '[redacted]',
    },
    serializers: {
      // The statement's parameters stand on the errors of ORM and driver, and may be secrets.
      err: (error: Error & { code?: unknown }) => ({
        type: error.name,
        message: withoutParameters(error.message ?? String(error)),
        code: error.code,
        stack: withoutParameters(error.stack ?? ''),
        ...(error.cause instanceof Error && { cause: withoutParameters(error.cause.message) }),
      }),
    },
  });
}

/** MikroORM writes the statement with its values before " - " and the server's message. */
function withoutParameters(text: string): string {
  return text.replace(/^(\w*(?:Exception|Error): )?(?:with|insert|update|delete|select|begin|set)\b.* - /ims, '$1');
}

/** Nest tells of each module and route at every start; that is for whoever debugs. */
const CHATTER = new Set(['InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestFactory', 'NestApplication']);

/** Nest's own log lines, on the same log. */
export class NestLog implements LoggerService {
  constructor(private readonly pino: Logger) {}

  log = (message: unknown, ...rest: unknown[]): void => this.write('info', message, rest);
  error = (message: unknown, ...rest: unknown[]): void => this.write('error', message, rest);
  warn = (message: unknown, ...rest: unknown[]): void => this.write('warn', message, rest);
  debug = (message: unknown, ...rest: unknown[]): void => this.write('debug', message, rest);
  verbose = (message: unknown, ...rest: unknown[]): void => this.write('trace', message, rest);
  fatal = (message: unknown, ...rest: unknown[]): void => this.write('fatal', message, rest);
  setLogLevels(_levels: LogLevel[]): void {}

  private write(
    level: 'info' | 'error' | 'warn' | 'debug' | 'trace' | 'fatal',
    message: unknown,
    rest: unknown[],
  ): void {
    // Nest hands the context last: log(message, …, context).
    const context = rest.at(-1);
    const room = typeof context === 'string' ? { room: context } : {};
    if (level === 'info' && CHATTER.has(String(context))) level = 'debug';
    if (message instanceof Error) this.pino[level]({ ...room, err: message }, message.message);
    else if (typeof message === 'object')
      this.pino[level]({ ...room, ...message }, typeof rest[0] === 'string' && rest.length > 1 ? rest[0] : '');
    else this.pino[level](room, `${message as string}`);
  }
}
