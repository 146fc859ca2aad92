/** Work that goes one after the other in this process, by what it is about; anything else goes on beside it. */
export class Turns {
  private readonly last = new Map<string, Promise<unknown>>();

  /** Runs `work` once what was here before for the same key has ended, however it did. */
  take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.last.get(key) ?? Promise.resolve()).then(work, work);
    this.last.set(key, turn);
    const leave = (): void => {
      if (this.last.get(key) === turn) this.last.delete(key);
    };
    turn.then(leave, leave);
    return turn;
  }
}
