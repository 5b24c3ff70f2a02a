/** Whether an answer is what Graphiti promises: a proxy's page must not be cached as a memory. */

import * as v from 'valibot';
import type { Episode, Fact, Facts, Health, Result, StoredEntityNode } from './model.ts';

const fact = v.object({ uuid: v.string(), fact: v.string() });
const facts = v.object({ facts: v.array(fact) });
const episodes = v.array(v.object({ uuid: v.string(), name: v.string(), content: v.string() }));
const result = v.object({ success: v.literal(true) });
const node = v.object({ uuid: v.string(), name: v.string() });
const health = v.object({ status: v.string() });

export const isFact = (answer: unknown): answer is Fact => v.is(fact, answer);
export const isFacts = (answer: unknown): answer is Facts => v.is(facts, answer);
export const isEpisodes = (answer: unknown): answer is readonly Episode[] => v.is(episodes, answer);
export const isResult = (answer: unknown): answer is Result => v.is(result, answer);
export const isEntityNode = (answer: unknown): answer is StoredEntityNode => v.is(node, answer);
export const isHealth = (answer: unknown): answer is Health => v.is(health, answer);
