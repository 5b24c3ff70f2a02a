import { expect, test } from 'vitest';
import { Linked, LinkedList } from './linked-list.ts';

class Guest extends Linked {
  readonly name: string;

  constructor(name: string) {
    super();
    this.name = name;
  }
}

function party(...names: string[]) {
  const guests = names.map((name) => new Guest(name));
  const list = new LinkedList<Guest>();
  for (const guest of guests) list.add(guest);
  const present = () => {
    const found: string[] = [];
    for (let guest = list.first; guest; guest = guest.next) found.push(guest.name);
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
  const late = new Guest('e');
  list.add(late);
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
