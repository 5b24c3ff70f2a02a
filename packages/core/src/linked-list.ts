/** A list that its members can leave from anywhere: a Set would have to hash every object. */

/** A member's place; it is in one list at a time, and the place is the list's own. */
export interface Linked<Member> {
  previous: Member | undefined;
  next: Member | undefined;
  listed: boolean;
}

/** Members in the order in which they came. */
export class LinkedList<Member extends Linked<Member>> {
  #first: Member | undefined;
  #last: Member | undefined;

  /** The member that came before all others. */
  get first(): Member | undefined {
    return this.#first;
  }

  add(member: Member): void {
    member.listed = true;
    member.previous = this.#last;
    if (this.#last) this.#last.next = member;
    else this.#first = member;
    this.#last = member;
  }

  /** False when it had left before. */
  delete(member: Member): boolean {
    if (!member.listed) return false;
    const { previous, next } = member;
    if (previous) previous.next = next;
    else this.#first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    member.listed = false;
    // One that somebody still holds must not hold the others.
    member.previous = undefined;
    member.next = undefined;
    return true;
  }
}
