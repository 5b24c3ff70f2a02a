/** Where the status is, as seen from the page. */

/** What the page was told when it was made, and what its reader has typed. */
export interface Site {
  /** Of everything below the status path. */
  readonly below: string;
  /** Where a trace is found. */
  readonly traceUrl: string | undefined;
  /** Whether somebody may act. */
  readonly operated: boolean;
  /** An operator's; kept while the page is open, and nowhere else. */
  token: string | undefined;
}

/** Reads it from the page. */
export function siteOf({ dataset }: HTMLElement): Site {
  const { below = './', traceUrl, operated } = dataset;
  return { below, traceUrl, operated: operated !== undefined, token: undefined };
}

/** Asks for something below the status path, or for the status itself. */
export function ask(site: Site, name: string, more: RequestInit = {}): Promise<Response> {
  const headers = new Headers(more.headers);
  headers.set('Accept', name === 'events' ? 'text/event-stream' : 'application/json');
  if (site.token) headers.set('Authorization', `Bearer ${site.token}`);
  // Without a query: that is the page's own.
  const address = name === '' ? location.pathname : `${site.below}${name}`;
  return fetch(address, { ...more, headers, cache: 'no-store' });
}

/** The address of a trace; nothing where there is none to link to. */
export function traceAddress({ traceUrl }: Site, traceId: string | undefined): string | undefined {
  if (!traceUrl || !traceId || !/^[0-9a-f]{32}$/.test(traceId)) return undefined;
  return traceUrl.replaceAll('{traceId}', traceId);
}
