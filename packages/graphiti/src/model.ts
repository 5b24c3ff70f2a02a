/** What Graphiti's REST server takes and gives, in its own shape. Times are ISO 8601 texts. */

/** A fact of the graph. */
export interface Fact {
  readonly uuid: string;
  readonly name: string;
  readonly fact: string;
  readonly valid_at: string | null;
  readonly invalid_at: string | null;
  readonly created_at: string;
  readonly expired_at: string | null;
  readonly source_node_uuid: string;
  readonly target_node_uuid: string;
  readonly episodes: readonly string[];
}

/** The answer of a search. */
export interface Facts {
  readonly facts: readonly Fact[];
}

/** A message as Graphiti stored it. */
export interface Episode {
  readonly uuid: string;
  readonly name: string;
  readonly group_id: string;
  readonly labels: readonly string[];
  readonly created_at: string;
  readonly source: string;
  readonly source_description: string;
  /** `role(role_type): text`. */
  readonly content: string;
  readonly valid_at: string;
  readonly entity_edges: readonly string[];
  /** It waits here to be stored by Graphiti: its `uuid` is local, and it has no facts yet. */
  readonly pending?: true;
}

/** What is searched for. */
export interface SearchQuery {
  readonly query: string;
  /** Groups to search; none or `null`: all of them. */
  readonly group_ids?: readonly string[] | null;
  /** @default 10 */
  readonly max_facts?: number;
}

/** A message of a conversation. */
export interface Message {
  readonly content: string;
  readonly role_type: 'user' | 'assistant' | 'system';
  /** Who said it. @default null */
  readonly role?: string | null;
  /** Name of the episode. @default a unique one, by which a message is found again */
  readonly name?: string;
  /** When it was said. @default when `addMessages` was called */
  readonly timestamp?: string;
  readonly source_description?: string;
}

/** A message of the conversation that memory is asked for: an answer depends on what was said, and by whom. */
export interface MemoryMessage extends Message {
  readonly uuid?: string;
}

/** The conversation that memory is asked for. */
export interface MemoryQuery {
  readonly group_id: string;
  readonly messages: readonly MemoryMessage[];
  /** @default 10 */
  readonly max_facts?: number;
}

/** An entity node to be created, or overwritten. */
export interface EntityNode {
  readonly uuid: string;
  readonly group_id: string;
  readonly name: string;
  readonly summary?: string;
}

/** An entity node as Graphiti stored it. */
export interface StoredEntityNode extends EntityNode {
  readonly summary: string;
  readonly created_at: string;
}

/** What /healthcheck says: a constant. */
export interface Health {
  readonly status: string;
}

/** What Graphiti says to a write. */
export interface Result {
  readonly message: string;
  readonly success: boolean;
}
