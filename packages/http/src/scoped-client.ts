/** A client whose calls are recorded for one request, wherever they are made. */

import type { RequestScope } from '@graphiti-fallback/core';

/**
 * Wraps a client's methods so that each call runs in the request's scope: a body parser that loses the
 * async context does no harm then.
 */
export function scopedClient<Client extends object>(client: Client, scope: RequestScope): Client {
  return new Proxy(client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? scopedCall(value, target, scope) : value;
    },
  });
}

function scopedCall(call: object, owner: object, scope: RequestScope): object {
  return new Proxy(call, {
    apply: (target, _self, args) =>
      scope.run(() => Reflect.apply(target as (...args: unknown[]) => unknown, owner, args)),
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? scopedCall(value, target, scope) : value;
    },
  });
}
