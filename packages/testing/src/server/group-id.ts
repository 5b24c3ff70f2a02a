/** The one rule of Graphiti about group ids. */

/** Throws where a group id has characters outside `[A-Za-z0-9_-]`; the empty id is the default group. */
export function assertGroupId(groupId: string): void {
  if (/^[A-Za-z0-9_-]*$/.test(groupId)) return;
  throw new Error(`group_id "${groupId}" must contain only letters, digits, dashes or underscores`);
}
