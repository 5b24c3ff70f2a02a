/** What an operator does to a manager from outside of its process: told, so that it can be audited. */

/** What an operator can do. */
export const operatorActions = [
  'retry',
  'skip',
  'pause',
  'resume',
  'activate',
  'deactivate',
  'isolate',
  'restore',
] as const;

/** One of the things that an operator can do. */
export type OperatorAction = (typeof operatorActions)[number];

/**
 * What an operator's doing can come to; `not_possible` where it does not fit what it is done to, `failed`
 * where nobody knows how far it got.
 */
export const operatorResults = ['done', 'not_possible', 'failed'] as const;

/** Something that an operator did. */
export interface OperatorAct {
  readonly action: OperatorAction;
  /** An operation's id, a breaker's name, or the manager's. */
  readonly target: string;
  readonly result: (typeof operatorResults)[number];
  /** Who it was, as the app names them. */
  readonly by?: string;
}
