/** What becomes of a job: it is over, or comes back after a while. */
export type Delivery = { done: true } | { done: false; againInMs: number };
export const DONE: Delivery = { done: true };
