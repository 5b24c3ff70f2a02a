/** A client of the questions service, as one would write it without fallback: errors carry their status. */

/** A question of a topic. */
export interface Question {
  readonly id: string;
  readonly topic: string;
  readonly text: string;
}

interface CallOptions {
  readonly signal: AbortSignal;
}

/** The service's calls. */
export interface QuestionsApi {
  get(id: string, options: CallOptions): Promise<Question>;
  save(
    question: Question,
    options: CallOptions & { readonly idempotencyKey: string },
  ): Promise<Question>;
  /** Rejects when the service does not work. */
  health(options: CallOptions): Promise<undefined>;
}

/** Creates the client for a service at an address. */
export function questionsApi(url: string): QuestionsApi {
  return {
    get: (id, { signal }) => ask(`/questions/${encodeURIComponent(id)}`, { signal }),
    save: (question, { signal, idempotencyKey }) =>
      ask(`/questions/${encodeURIComponent(question.id)}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
        body: JSON.stringify(question),
        signal,
      }),
    async health({ signal }) {
      await ask('/health', { signal });
      return undefined;
    },
  };

  async function ask<T>(path: string, init: RequestInit): Promise<T> {
    const response = await fetch(`${url}${path}`, init);
    const body = (await response.json()) as T;
    if (response.ok) return body;
    throw Object.assign(new Error(`The questions service answered ${response.status}`), {
      status: response.status,
    });
  }
}
