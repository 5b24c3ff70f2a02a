/** Graphiti's endpoints over a graph. */

import { type Answer, refusal } from './answer.ts';
import type { Fact } from './facts.ts';
import type { Graph } from './graph.ts';
import { assertGroupId } from './group-id.ts';
import type { Ingestion } from './ingestion.ts';
import { rank } from './ranking.ts';
import {
  entityNodeRequest,
  lastN,
  type Message,
  memoryRequest,
  messagesRequest,
  searchRequest,
} from './requests.ts';
import type { Route } from './router.ts';

/** The routes of Graphiti's REST server, core 0.29.3. */
export function endpoints(graph: Graph, ingestion: Ingestion, now: () => number): Route[] {
  return [
    {
      method: 'GET',
      path: '/healthcheck',
      handle: () => ok({ status: 'healthy' }), // a constant: it checks nothing
    },
    {
      method: 'POST',
      path: '/messages',
      handle({ body }) {
        const { group_id, messages } = messagesRequest(body);
        const timestamp = new Date(now()).toISOString();
        const dated = messages.map((each) => ({ ...each, timestamp: each.timestamp ?? timestamp }));
        ingestion.accept(group_id, dated);
        return { ...done('Messages added to processing queue'), status: 202 };
      },
    },
    {
      method: 'POST',
      path: '/entity-node',
      handle: ({ body }) => ({ status: 201, body: graph.putNode(entityNodeRequest(body)) }),
    },
    {
      method: 'POST',
      path: '/search',
      handle({ body }) {
        const { query, group_ids, max_facts } = searchRequest(body);
        return ok({ facts: found(graph, query, group_ids, max_facts) });
      },
    },
    {
      method: 'POST',
      path: '/get-memory',
      handle({ body }) {
        const { group_id, messages, max_facts } = memoryRequest(body);
        return ok({ facts: found(graph, questionOf(messages), [group_id], max_facts) });
      },
    },
    {
      method: 'GET',
      path: '/entity-edge/:id',
      handle({ id }) {
        const fact = graph.fact(id);
        if (!fact) throw refusal(404, `edge ${id} not found`);
        return ok(fact);
      },
    },
    {
      method: 'GET',
      path: '/episodes/:id',
      handle: ({ id, query }) => ok(graph.lastEpisodes(id, lastN(query))),
    },
    {
      method: 'DELETE',
      path: '/entity-edge/:id',
      handle({ id }) {
        if (!graph.deleteFact(id)) throw refusal(404, `edge ${id} not found`);
        return done('Entity Edge deleted');
      },
    },
    {
      method: 'DELETE',
      path: '/episode/:id',
      handle({ id }) {
        if (!graph.deleteEpisode(id)) throw refusal(404, `node ${id} not found`);
        return done('Episode deleted');
      },
    },
    {
      method: 'DELETE',
      path: '/group/:id',
      handle({ id }) {
        graph.deleteGroup(id);
        return done('Group deleted');
      },
    },
    {
      method: 'POST',
      path: '/clear',
      handle() {
        graph.clear();
        return done('Graph cleared');
      },
    },
  ];
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}

function done(message: string): Answer {
  return ok({ message, success: true });
}

/** An empty list of groups means all of them, as null does. */
function found(
  graph: Graph,
  query: string,
  groupIds: readonly string[] | null,
  maxFacts: number,
): Fact[] {
  groupIds?.forEach(assertGroupId);
  if (maxFacts < 0) throw new Error('LIMIT must not be negative');
  const facts = groupIds?.length ? graph.facts(new Set(groupIds)) : graph.facts();
  return rank(query, facts).slice(0, maxFacts);
}

function questionOf(messages: readonly Message[]): string {
  return messages
    .map(({ role_type, role, content }) => `${role_type}(${role ?? ''}): ${content}`)
    .join('\n');
}
