const MAX_CODE_POINTS = 100;
const MAX_OF_PASSAGE = 1_000;

/**
 * Text that a person chose (a name, an address), as it may stand in a mail: one line, and nothing in it that a mail
 * client would turn into a link. Clients link on their own whatever looks like an address, in text as in HTML, so that
 * `Visit https://evil.example` as a full name would be a link from us. A space after each dot and colon, and within
 * `//` and around `@`, ends every such pattern and stays readable. Invisible characters would not do: browsers drop
 * them from host names (UTS 46), and the link would work.
 */
export function plain(text: string): string {
  return unlinked(toLine(text).slice(0, MAX_CODE_POINTS).join(''));
}

/** The same of what is longer than a name, as a reason or a comment: 1,000 characters of it, cut after a word. */
export function passage(text: string): string {
  const line = toLine(text);
  if (line.length <= MAX_OF_PASSAGE) return unlinked(line.join(''));
  const whole = line.slice(0, MAX_OF_PASSAGE).join('');
  return `${unlinked(whole.replace(/ [^ ]*$/, ''))} and more`;
}

function toLine(text: string): string[] {
  return [...text.normalize('NFKC').replace(/[\p{C}\p{Z}]+/gu, ' ')];
}

function unlinked(line: string): string {
  return line
    .replace(/([.:\u3002])(?=\S)/gu, '$1 ')
    .replace(/[/\\](?=[/\\])/g, '$& ')
    .replace(/ ?@ ?/g, ' at ')
    .trim();
}
