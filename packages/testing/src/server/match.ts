/** Which requests are meant: by method, by the beginning of the path, or all. */

/** What a request has to have; what is left out may be anything. */
export interface Match {
  /** For example `POST`, in any case. */
  readonly method?: string;
  /** The beginning of the path: `/episodes` is also `/episodes/g1`. */
  readonly path?: string;
}

/** Whether a request is one of those meant. */
export function matches(
  request: { readonly method: string; readonly path: string },
  { method, path }: Match = {},
): boolean {
  if (method !== undefined && request.method !== method.toUpperCase()) return false;
  return path === undefined || request.path.startsWith(path);
}
