import { Injectable } from '@nestjs/common';

/** That a request was answered, and how. */
export interface Answer {
  requestId: string;
  method: string;
  /** The route and not the address: a query may hold a token. Null where nothing was found. */
  route: string | null;
  status: number;
  ms: number;
  /** One of very many alike: counted, and logged for whoever debugs. */
  routine: boolean;
}

/** Tells the log and the metrics of every answer, whichever way it went out. */
@Injectable()
export class Answers {
  private readonly listeners: ((answer: Answer) => void)[] = [];

  onAnswer(listener: (answer: Answer) => void): void {
    this.listeners.push(listener);
  }

  tell(answer: Answer): void {
    for (const listener of this.listeners) listener(answer);
  }
}
