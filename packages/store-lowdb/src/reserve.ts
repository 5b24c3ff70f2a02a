/** Room that a store keeps for itself, so that on a full disk it can still get rid of what is done. */

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const name = 'reserve';
/** How long after a failure, or after it was given up, it is not taken, in ms. */
const restMs = 10_000;

/** A file of nothing. */
export class Reserve {
  readonly #path: string;
  readonly #size: number;
  #taken = false;
  #notBefore = 0;

  constructor(folder: string, bytes: number) {
    this.#path = join(folder, name);
    this.#size = Math.ceil(bytes);
  }

  /** What it takes now. */
  get bytes(): number {
    return this.#taken ? this.#size : 0;
  }

  /** Takes the room, unless that failed, or it was given up, lately. Never rejects. */
  async takeInTime(): Promise<void> {
    if (!this.#taken && performance.now() >= this.#notBefore) await this.take();
  }

  /** Takes the room, if it is there. Never rejects. */
  async take(): Promise<void> {
    this.#taken = await writeFile(this.#path, Buffer.alloc(this.#size), { mode: 0o600 }).then(
      () => true,
      () => false,
    );
    if (!this.#taken) await this.giveUp().catch(() => {});
  }

  /** Gives it back. @throws the system's error */
  async giveUp(): Promise<void> {
    this.#taken = false;
    this.#notBefore = performance.now() + restMs;
    await rm(this.#path, { force: true });
  }
}
