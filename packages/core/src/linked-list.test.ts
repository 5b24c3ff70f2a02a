import { expect, test } from 'vitest';
import { type Linked, LinkedList } from './linked-list.ts';

interface Guest extends Linked<Guest> {
  readonly name: string;
}

function guest(name: string): Guest {
  return { name, previous: undefined, next: undefined, listed: false };
}

function party(...names: string[]) {
  const guests = names.map(guest);
  const list = new LinkedList<Guest>();
  for (const each of guests) list.add(each);
  const present = () => {
    const found: string[] = [];
    for (let each = list.first; each; each = each.next) found.push(each.name);
    return found.join('');
  };
  return { list, guests, present };
}

test.each([
  [[0], 'bcd'],
  [[3], 'abc'],
  [[1], 'acd'],
  [[1, 2], 'ad'],
  [[3, 2, 1, 0], ''],
  [[0, 1, 2, 3], ''],
])('members leave from anywhere: without %j it is %j', (leaving, left) => {
  const { list, guests, present } = party('a', 'b', 'c', 'd');
  for (const index of leaving) expect(list.delete(guests[index] as Guest)).toBe(true);
  expect(present()).toBe(left);
  list.add(guest('e'));
  expect(present()).toBe(`${left}e`);
});

test('who has left cannot leave again, but may come back, last', () => {
  const { list, guests, present } = party('a', 'b');
  const [a] = guests as [Guest];
  list.delete(a);
  expect(list.delete(a)).toBe(false);
  list.add(a);
  expect(present()).toBe('ba');
});
