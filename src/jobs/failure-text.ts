const MAX_LENGTH = 300;

/**
 * An error as one line that may be stored and shown: no address with a token, nothing that looks like a token, no
 * control characters.
 */
export function failureText(error: unknown): string {
  return describe(error)
    .replace(/\b[a-z][a-z0-9+.-]*:\/\/\S+/gi, '[address]')
    .replace(/[\w-]{20,}/g, '[removed]')
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
    .slice(0, MAX_LENGTH);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // MikroORM puts the statement with its values before " - " and the server's message.
  const message = error.name.endsWith('Exception')
    ? error.message.slice(error.message.lastIndexOf(' - ') + 1)
    : error.message;
  return error.name === 'Error' ? message : `${error.name}: ${message}`;
}
