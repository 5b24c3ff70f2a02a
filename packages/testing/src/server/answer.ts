/** What an endpoint says, before any fault has its way with it. */

/** A response as data: text goes out as text/plain, everything else as JSON. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown where an endpoint answers the caller's mistake; any other error becomes a 500. */
export class Refusal extends Error {
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(`answered ${answer.status}`);
    this.answer = answer;
  }
}

/** Makes FastAPI's `{ detail }` refusal: 404, 405 and the like. */
export function refusal(status: number, detail: unknown): Refusal {
  return new Refusal({ status, body: { detail } });
}

/** What FastAPI answers to an exception nobody caught. */
export const internalError: Answer = { status: 500, body: 'Internal Server Error' };
