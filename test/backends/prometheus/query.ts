/** Prometheus' HTTP API, as Grafana uses it. */

/** A series with its values over time, or its last one. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: readonly number[];
}

/** What a query came to. */
export interface Answer {
  readonly type: 'matrix' | 'vector' | 'scalar' | 'string';
  readonly series: readonly Series[];
}

/** A rule as Prometheus has it. */
export interface Rule {
  readonly name: string;
  readonly type: 'alerting' | 'recording';
  readonly health: string;
  readonly lastError?: string;
  readonly state?: 'inactive' | 'pending' | 'firing';
}

/** Queries of one Prometheus. */
export class PrometheusApi {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** Now. @throws {Error} with what Prometheus has against it */
  async now(query: string): Promise<Answer> {
    return answerOf(await this.#get('query', { query }));
  }

  /** Over a time, in ms since the epoch, each second. @throws {Error} as {@link now} */
  async over(query: string, from: number, to: number): Promise<Answer> {
    const range = { start: String(from / 1_000), end: String(to / 1_000), step: '1' };
    return answerOf(await this.#get('query_range', { query, ...range }));
  }

  /** The values of a label, as Grafana's `label_values` asks for them. */
  async labelValues(label: string, selector: string): Promise<string[]> {
    return this.#get(`label/${label}/values`, { 'match[]': selector });
  }

  /** The labels that series have. */
  async labels(selector: string): Promise<string[]> {
    return this.#get('labels', { 'match[]': selector });
  }

  async rules(): Promise<Rule[]> {
    const { groups } = await this.#get<{ groups: { rules: Rule[] }[] }>('rules', {});
    return groups.flatMap(({ rules }) => rules);
  }

  async #get<Data>(path: string, parameters: Record<string, string>): Promise<Data> {
    const response = await fetch(`${this.#url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const { status, data, error } = (await response.json()) as {
      status: string;
      data: Data;
      error?: string;
    };
    if (status !== 'success') throw new Error(`${error}: ${JSON.stringify(parameters)}`);
    return data;
  }
}

interface Data {
  readonly resultType: Answer['type'];
  readonly result: readonly {
    readonly metric: Record<string, string>;
    readonly value?: readonly [number, string];
    readonly values?: readonly (readonly [number, string])[];
  }[];
}

function answerOf({ resultType, result }: Data): Answer {
  const series = result.map(({ metric, value, values = value ? [value] : [] }) => ({
    labels: metric,
    values: values.map(([, text]) => Number(text)),
  }));
  return { type: resultType, series };
}
