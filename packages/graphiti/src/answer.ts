/** Whether an answer is what Graphiti promises: a proxy's page must not be cached as a memory. */

import type { Episode, Fact, Facts, Health, Result, StoredEntityNode } from './model.ts';

// Plain code: these run on each answer, and a schema library took more of a read than the breaker did.

export function isFact(answer: unknown): answer is Fact {
  return isObject(answer) && isText(answer.uuid) && isText(answer.fact);
}

export function isFacts(answer: unknown): answer is Facts {
  return isObject(answer) && Array.isArray(answer.facts) && answer.facts.every(isFact);
}

export function isEpisodes(answer: unknown): answer is readonly Episode[] {
  return Array.isArray(answer) && answer.every(isEpisode);
}

export function isResult(answer: unknown): answer is Result {
  return isObject(answer) && answer.success === true;
}

export function isEntityNode(answer: unknown): answer is StoredEntityNode {
  return isObject(answer) && isText(answer.uuid) && isText(answer.name);
}

export function isHealth(answer: unknown): answer is Health {
  return isObject(answer) && isText(answer.status);
}

function isEpisode(answer: unknown): answer is Episode {
  return isObject(answer) && isText(answer.uuid) && isText(answer.name) && isText(answer.content);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
