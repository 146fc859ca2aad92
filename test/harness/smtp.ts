import type { AddressInfo } from 'node:net';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/** A mail that the server took. */
export interface ReceivedMail extends Email {
  /** Recipients of the envelope. */
  recipients: string[];
  raw: string;
}

/** A real SMTP server on loopback. */
export interface MailCatcher {
  /** For MAIL_URL. */
  url: string;
  port: number;
  /** What was taken, in order. */
  mails: ReceivedMail[];
  /** The mails for one address. */
  to(address: string): ReceivedMail[];
  close(): Promise<void>;
}

/** Starts a mail server. @param options of smtp-server, to refuse or to ask for a login. */
export async function startMailCatcher({
  port = 0,
  ...options
}: SMTPServerOptions & { port?: number } = {}): Promise<MailCatcher> {
  const mails: ReceivedMail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    // A client that keeps its connection must not hold the end of a test back.
    closeTimeout: 10,
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const raw = Buffer.concat(chunks).toString('utf8');
        PostalMime.parse(raw).then((mail) => {
          mails.push({ ...mail, raw, recipients: session.envelope.rcptTo.map(({ address }) => address) });
          done();
        }, done);
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const listening = (server.server.address() as AddressInfo).port;
  return {
    url: `smtp://127.0.0.1:${listening}`,
    port: listening,
    mails,
    to: (address) => mails.filter(({ recipients }) => recipients.includes(address)),
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** What smtp-server's hooks answer with. */
export function smtpError(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}
