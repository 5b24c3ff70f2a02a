/** What each endpoint takes, with pydantic's leniency and its error types. */

import * as v from 'valibot';
import type { Body } from './body.ts';
import { datetime, errorType, integer, model, text } from './pydantic.ts';
import { validBody, validQuery } from './validation.ts';

/** A message as POST /messages takes it, with its defaults filled in. */
export interface Message {
  readonly content: string;
  readonly role_type: 'user' | 'assistant' | 'system';
  readonly role: string | null;
  readonly uuid: string | null;
  readonly name: string;
  /** ISO 8601; null: the time at which the server takes the message. */
  readonly timestamp: string | null;
  readonly source_description: string;
}

/** The body of POST /messages. */
export interface MessagesRequest {
  readonly group_id: string;
  readonly messages: readonly Message[];
}

/** The body of POST /entity-node. */
export interface EntityNodeRequest {
  readonly uuid: string;
  readonly group_id: string;
  readonly name: string;
  readonly summary: string;
}

/** The body of POST /search. */
export interface SearchRequest {
  readonly query: string;
  readonly group_ids: readonly string[] | null;
  readonly max_facts: number;
}

/** The body of POST /get-memory; `center_node_uuid` has to be there and does nothing. */
export interface MemoryRequest extends MessagesRequest {
  readonly center_node_uuid: string | null;
  readonly max_facts: number;
}

/** Reads the body of POST /messages; throws the 422. */
export function messagesRequest(body: Body): MessagesRequest {
  return validBody(messages, body);
}

/** Reads the body of POST /entity-node; throws the 422. */
export function entityNodeRequest(body: Body): EntityNodeRequest {
  return validBody(entityNode, body);
}

/** Reads the body of POST /search; throws the 422. */
export function searchRequest(body: Body): SearchRequest {
  return validBody(search, body);
}

/** Reads the body of POST /get-memory; throws the 422. */
export function memoryRequest(body: Body): MemoryRequest {
  return validBody(memory, body);
}

/** Reads `last_n`, how many episodes are wanted; throws the 422. */
export function lastN(query: Readonly<Record<string, string>>): number {
  return validQuery(episodes, query).last_n;
}

const message = model({
  content: text,
  role_type: v.picklist(['user', 'assistant', 'system'], errorType('literal_error')),
  role: v.nullable(text),
  uuid: v.optional(v.nullable(text), null),
  name: v.optional(text, ''),
  timestamp: v.optional(datetime),
  source_description: v.optional(text, ''),
});

const messageList = v.pipe(
  v.array(message, errorType('list_type')),
  v.transform((list) => list.map((item) => ({ ...item, timestamp: item.timestamp ?? null }))),
);

const maxFacts = v.optional(integer, 10);

const messages = model({ group_id: text, messages: messageList });
const entityNode = model({
  uuid: text,
  group_id: text,
  name: text,
  summary: v.optional(text, ''),
});
const search = model({
  group_ids: v.optional(v.nullable(v.array(text, errorType('list_type'))), null),
  query: text,
  max_facts: maxFacts,
});
const memory = model({
  group_id: text,
  max_facts: maxFacts,
  center_node_uuid: v.nullable(text),
  messages: messageList,
});
const episodes = model({ last_n: integer });
