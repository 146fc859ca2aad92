/** Pages that links of mails lead to. Each asks for a click and then POSTs; opening it changes nothing. */
export type MailPage =
  'verify-email' | 'reset-password' | 'confirm-email-change' | 'undo-email-change' | 'accept-invitation';

/** Builds the links of mails: from APP_URL alone, never from a request's Host header. */
export class Links {
  /** @param app APP_URL without a trailing slash. */
  constructor(readonly app: string) {}

  /** The address of a page with its single-use token. */
  to(page: MailPage, token: string): string {
    return `${this.app}/${page}?token=${encodeURIComponent(token)}`;
  }

  /** The address of the page that shows a report of the cleanup, to whoever signs in there. */
  toCleanupReport(id: string): string {
    return `${this.app}/cleanup-report?id=${encodeURIComponent(id)}`;
  }
}
