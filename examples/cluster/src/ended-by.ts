/** Why a command ends before it is done, with the code that shells expect then. */

import { constants } from 'node:os';

/** A signal has ended it. */
export class EndedBy extends Error {
  readonly code: number;

  constructor(signal: NodeJS.Signals) {
    super(`Ended by ${signal}`);
    this.code = 128 + constants.signals[signal];
  }
}
