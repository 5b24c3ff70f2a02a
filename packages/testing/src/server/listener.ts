/** A port that can be closed and opened again under the same number. */

import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const host = '127.0.0.1';
const reopenWithinMs = 5000;

/** Listens on 127.0.0.1, or refuses connections for a while. */
export class Listener {
  readonly port: number;
  readonly #onRequest: RequestListener;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #wanted: 'open' | 'refusing' | 'closed' = 'open';
  #opening: Promise<void> | undefined;

  /** Starts listening; port 0 takes any free one. Rejects with the system's error, such as EADDRINUSE. */
  static async start(port: number, onRequest: RequestListener): Promise<Listener> {
    const sockets = new Set<Socket>();
    const server = await listen(port, onRequest, sockets);
    return new Listener(server, sockets, onRequest);
  }

  private constructor(server: Server, sockets: Set<Socket>, onRequest: RequestListener) {
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#sockets = sockets;
    this.#onRequest = onRequest;
  }

  /** `http://127.0.0.1:<port>` */
  get url(): string {
    return `http://${host}:${this.port}`;
  }

  /** Whether connections are taken. */
  get listening(): boolean {
    return this.#server !== undefined;
  }

  /** Closes the port and destroys all connections, before this returns. */
  refuse(): void {
    if (this.#wanted === 'open') this.#wanted = 'refusing';
    this.#shut();
  }

  /** Opens the port again; rejects when another process has taken it meanwhile. */
  async accept(): Promise<void> {
    if (this.#wanted === 'closed') return;
    this.#wanted = 'open';
    if (this.#server) return;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    await this.#opening;
  }

  /** Closes the port for good and destroys all connections. */
  async close(): Promise<void> {
    this.#wanted = 'closed';
    this.#shut();
    await this.#opening?.catch(() => {});
  }

  #shut(): void {
    this.#server?.close();
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** An outgoing connection may hold the number for a moment: try until it is free. */
  async #open(): Promise<void> {
    const giveUpAt = performance.now() + reopenWithinMs;
    while (this.#wanted === 'open' && !this.#server) {
      try {
        this.#server = await listen(this.port, this.#onRequest, this.#sockets);
      } catch (error) {
        if (performance.now() > giveUpAt) throw error;
        await pause(10);
      }
    }
    if (this.#wanted !== 'open') this.#shut();
  }
}

async function listen(
  port: number,
  onRequest: RequestListener,
  sockets: Set<Socket>,
): Promise<Server> {
  const server = createServer(onRequest);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(port, host);
  await once(server, 'listening'); // rejects with the server's error
  return server;
}
