/** From a request to the endpoint that answers it. */

import { type Answer, internalError, Refusal, refusal } from './answer.ts';
import type { Body } from './body.ts';

/** What an endpoint sees of a request. */
interface EndpointRequest {
  /** What stood in the path's place for an id, or nothing. */
  readonly id: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: Body;
}

/** An endpoint; a path may end in `/:id`. */
export interface Route {
  readonly method: string;
  readonly path: string;
  /** Throws a Refusal for the caller's mistakes, and anything else for a 500. */
  handle(request: EndpointRequest): Answer;
}

/** Answers a request by one of the routes. */
export type Router = (request: {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: Body;
}) => Answer;

/** Creates a router that never throws: what an endpoint throws becomes its answer. */
export function createRouter(routes: readonly Route[]): Router {
  return function route({ method, path, query, body }) {
    try {
      const { route, id } = find(routes, method, path);
      return route.handle({ id, query, body });
    } catch (error) {
      return error instanceof Refusal ? error.answer : internalError;
    }
  };
}

function find(
  routes: readonly Route[],
  method: string,
  path: string,
): { readonly route: Route; readonly id: string } {
  const [, head, tail] = /^(\/[^/]*)(?:\/([^/]+))?$/.exec(path) ?? [];
  const pattern = tail === undefined ? head : `${head}/:id`;
  const here = routes.filter((route) => route.path === pattern);
  if (here.length === 0) throw refusal(404, 'Not Found');
  const route = here.find((candidate) => candidate.method === method);
  if (route) return { route, id: decoded(tail ?? '') };
  const { answer } = refusal(405, 'Method Not Allowed');
  throw new Refusal({ ...answer, headers: { allow: here.map((each) => each.method).join(', ') } });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
