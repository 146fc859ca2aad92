/** A line of a file, counted from 1; without text when it is longer than allowed or no UTF-8. */
export type NdjsonLine = { line: number; text: string } | { line: number; refused: 'too_long' | 'not_utf8' };

const LINE_FEED = 0x0a;

/**
 * Cuts bytes into lines and holds no more than one line of `maxBytes` and one chunk at a time; what follows in a line
 * that is too long is skipped. A carriage return at the end and a byte order mark at the start do not count.
 */
export async function* readLines(source: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<NdjsonLine> {
  let line = 1;
  let pieces: Uint8Array[] = [];
  let length = 0;
  const take = (piece: Uint8Array): void => {
    length += piece.length;
    // A copy: a small piece would keep its whole chunk in memory.
    if (length <= maxBytes) pieces.push(Uint8Array.from(piece));
    else pieces = [];
  };
  const finish = (): NdjsonLine => {
    const finished = length > maxBytes ? { line, refused: 'too_long' as const } : decode(line, Buffer.concat(pieces));
    line += 1;
    pieces = [];
    length = 0;
    return finished;
  };
  for await (const chunk of source) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      take(chunk.subarray(start, end));
      yield finish();
      start = end + 1;
    }
    take(chunk.subarray(start));
  }
  if (length > 0) yield finish();
}

function decode(line: number, bytes: Uint8Array): NdjsonLine {
  try {
    return {
      line,
      text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: line > 1 }).decode(bytes).replace(/\r$/, ''),
    };
  } catch {
    return { line, refused: 'not_utf8' };
  }
}
