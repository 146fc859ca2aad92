import { createTransport, type Transporter } from 'nodemailer';

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * SMTP as MAIL_URL says. `smtps://` is TLS from the first byte. `smtp://` takes STARTTLS where the server offers it;
 * with a password and beyond this machine it insists on it, since the password would be read on the way. Further
 * options of nodemailer can be given in the URL's query and come first.
 *
 * A connection is kept for the mails that follow. What fails is not tried again here: the outbox does that, and only
 * the outbox counts.
 */
export function openTransport(mailUrl: string): Transporter {
  const url = new URL(mailUrl);
  const secret = url.password !== '' && !LOOPBACK.test(url.hostname);
  const verified = url.protocol === 'smtps:' || secret;
  return createTransport({
    url: mailUrl,
    pool: true,
    maxConnections: 4,
    maxRequeues: 0,
    connectionTimeout: 5_000,
    greetingTimeout: 5_000,
    socketTimeout: 15_000,
    requireTLS: url.protocol === 'smtp:' && secret,
    // Without insisting on TLS, a certificate proves nothing: whoever could forge it could hide STARTTLS (RFC 7435).
    tls: { rejectUnauthorized: verified },
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}
