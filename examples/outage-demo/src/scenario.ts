/** What a demo plays: its outages, the environment of its app, and how it knows that all is done. */

import type { AppClient } from './app-client.ts';
import type { Control } from './control.ts';
import type { Stage } from './stage.ts';

/** What a scenario plays with. */
export interface PlayOptions {
  readonly stage: Stage;
  readonly graphiti: Control;
  /** A new phase begins. */
  readonly begin: (phase: string, story: string) => void;
  /** Something else is worth telling. */
  readonly tell: (story: string) => void;
  readonly signal: AbortSignal;
}

/** One story. */
export interface Scenario {
  /** Variables of the app, besides where things are. */
  readonly environment: Readonly<Record<string, string>>;
  /** Plays it; resolves when it is over and the app has noticed, or could have. */
  play(options: PlayOptions): Promise<void>;
  /** Whether nothing is left to be done, as the app says. */
  isDone(app: AppClient): Promise<boolean>;
}
