import { type FileHandle, open, rm } from 'node:fs/promises';
import type { ImportRefusal } from '../passwords/import-file.js';

/** The report of refused lines: NDJSON of line number, code and message, and nothing of the line itself. */
export class RefusedLines {
  private file: FileHandle | null = null;

  private constructor(readonly path: string) {}

  /** Begins anew: the report of an earlier run is removed, and a file only comes with the first refused line. */
  static async begin(path: string): Promise<RefusedLines> {
    await rm(path, { force: true });
    return new RefusedLines(path);
  }

  async add(line: number, { code, message }: ImportRefusal): Promise<void> {
    this.file ??= await open(this.path, 'wx', 0o600);
    await this.file.write(`${JSON.stringify({ line, code, message })}\n`);
  }

  async close(): Promise<void> {
    await this.file?.close();
  }
}
