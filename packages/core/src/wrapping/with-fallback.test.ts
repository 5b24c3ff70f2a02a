import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, expectTypeOf, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { FallbackManager } from '../manager.ts';
import { getFallbackManager } from '../managers.ts';
import { type ManualClock, manualClock } from '../manual-clock.test.support.ts';
import { memoryJournal } from '../memory-journal.ts';
import type { FallbackManagerOptions } from '../options.ts';
import type { Detailed, Receipt } from '../outcome.ts';
import { HttpError, refused } from '../upstream.test.support.ts';
import { currentCall } from './current-call.ts';
import { createWithFallback, withFallback } from './with-fallback.ts';

interface Question {
  readonly id: string;
  readonly text: string;
}

const closing: FallbackManager[] = [];
afterEach(async () => {
  for (const manager of closing.splice(0)) await manager.close();
});

function start(
  options: Partial<FallbackManagerOptions> = {},
): FallbackManager & { clock: ManualClock } {
  const clock = manualClock();
  const manager = new FallbackManager({
    name: 'wrapped',
    application: 'test',
    logger: false,
    recoveryRamp: 0,
    retry: { retries: 0 },
    breaker: { failureThreshold: 1 },
    random: () => 0.5,
    clock,
    ...options,
  });
  closing.push(manager);
  return Object.assign(manager, { clock });
}

/** Questions upstream, which a test lets fail. */
function service() {
  const saved: Question[] = [];
  const state = { down: false, saved, gets: 0 };
  return {
    state,
    get(id: string): Question {
      state.gets += 1;
      if (state.down) throw refused();
      return { id, text: saved.findLast((question) => question.id === id)?.text ?? 'none' };
    },
    save(question: Question): Question {
      if (state.down) throw refused();
      saved.push(question);
      return { ...question, text: `${question.text}, saved` };
    },
  };
}

describe('a wrapped function', () => {
  test('reads as its verb says: live, stale in an outage, with its details', async () => {
    const { clock } = start();
    const upstream = service();
    const ask = withFallback(async function getQuestion(id: string) {
      return upstream.get(id);
    });
    expect(ask.name).toBe('getQuestion');
    expect(await ask('1')).toEqual({ id: '1', text: 'none' });
    upstream.state.down = true;
    await clock.advance(1_000);
    expect(await ask('1')).toEqual({ id: '1', text: 'none' });
    expect(await ask.detailed('1')).toMatchObject({ outcome: 'stale', ageMs: 1_000 });
    await expect(ask('2')).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
  });

  test('writes as its verb says: its value live, the given entity while it waits', async () => {
    const manager = start();
    const upstream = service();
    const saveQuestion = withFallback(async function saveQuestion(question: Question) {
      return upstream.save(question);
    });
    const question = { id: '1', text: 'why' };
    expect(await saveQuestion(question)).toEqual({ id: '1', text: 'why, saved' });
    upstream.state.down = true;
    expect(await saveQuestion(question)).toBe(question);
    expect(await saveQuestion.detailed(question)).toMatchObject({ outcome: 'queued' });
    upstream.state.down = false;
    await manager.clock.advance(70_000);
    expect(upstream.state.saved).toHaveLength(3);
  });

  test('takes what manager.read() and manager.write() take, with its arguments as the input', async () => {
    const manager = start();
    const upstream = service();
    const read = withFallback(async (id: string, _locale?: string) => upstream.get(id), {
      kind: 'read',
      name: 'question.get',
      entities: ([id]) => [{ type: 'question', id }],
      overlay: (value, pending) =>
        Object.assign({ ...value }, ...pending.map(({ input }) => (input as [Question])[0])),
      fromEntity: ({ id, text }) => ({ id, text: String(text) }),
    });
    const write = withFallback(async (question: Question) => upstream.save(question), {
      kind: 'write',
      name: 'question.save',
      entity: ([{ id }]) => ({ type: 'question', id }),
      owns: 'question',
      idempotent: true,
      answer: ([question], { operation }) => ({ ...question, text: operation }),
    });
    expectTypeOf(read.detailed).returns.resolves.toEqualTypeOf<Detailed<Question>>();
    expectTypeOf(write.detailed).returns.resolves.toEqualTypeOf<Receipt<Question>>();
    await read('1', undefined);
    upstream.state.down = true;
    await read('1');
    const receipt = await manager.storeEntity({ type: 'question', id: '1', text: 'new' });
    expect(receipt).toMatchObject({ outcome: 'queued' });
    expect(await read.detailed('1', undefined)).toMatchObject({
      value: { id: '1', text: 'new' },
      outcome: 'stale',
      pending: 1,
    });
    manager.cache.clear();
    expect((await read.detailed('1')).outcome).toBe('entity');
    const answer = await write({ id: '2', text: 'other' });
    expect(manager.queue.show(answer.text)?.input).toEqual([{ id: '2', text: 'other' }]);
  });

  test('can ask for the signal and the idempotency key of its call', async () => {
    start();
    const seen: unknown[] = [];
    start({ name: 'real time', clock: systemClock });
    const get = withFallback(
      async function getSlowly() {
        seen.push(currentCall()?.idempotencyKey);
        currentCall()?.signal.addEventListener('abort', () => seen.push('aborted'));
        await sleep(5_000, undefined, currentCall() as { signal: AbortSignal });
      },
      { timeoutMs: 20, manager: 'real time' },
    );
    const save = withFallback(
      async function save(_value: string) {
        await sleep(1);
        return currentCall()?.idempotencyKey;
      },
      { manager: 'real time' },
    );
    expect(await save('x')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    await expect(get()).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
    expect(seen).toEqual([undefined, 'aborted']);
    expect(currentCall()).toBeUndefined();
  });

  test.each([
    [async function fetchIt() {}, undefined, /'fetchIt' to begin with a verb.*or `kind`/],
    [async function getter() {}, undefined, /verb/],
    [async () => {}, { kind: 'read' }, /a function with a name, or `name`/],
    [async function get() {}, { kind: 'query' }, /`kind`.*read or write, got "query"/],
    [async function get() {}, { lane: null }, /Unknown option `lane`/],
    [async function get() {}, { answer: () => 1 }, /`answer`.*this is a read/],
    [async function get() {}, { ttl: -1 }, /`ttl`/],
    [async function get() {}, { manager: {} }, /`manager`/],
  ])('is refused in the user’s words: %o %j', (fn, spec, message) => {
    expect(() => withFallback(fn, spec as never)).toThrow(message);
  });

  test('keeps its type: generic, with its arguments', () => {
    const getAll = withFallback(async function getAll<T extends string>(ids: readonly T[]) {
      return ids;
    });
    expectTypeOf(getAll<'a'>).parameters.toEqualTypeOf<[readonly 'a'[]]>();
    expectTypeOf(getAll<'a'>).returns.resolves.toEqualTypeOf<readonly 'a'[]>();
    // @ts-expect-error: what is not async would become so behind the caller's back
    withFallback(function getNow() {
      return 1;
    });
  });
});

describe('a decorated method', () => {
  test('keeps what it is: its instance, its arguments, its type, generic or not', async () => {
    start();
    class Repository {
      readonly #prefix: string;
      constructor(prefix: string) {
        this.#prefix = prefix;
      }

      @withFallback()
      async getQuestion(id: string): Promise<string> {
        return this.#prefix + id;
      }

      @withFallback
      async findAll<T extends string>(this: Repository, ids: readonly T[]): Promise<readonly T[]> {
        return this.#prefix ? ids : [];
      }

      @withFallback({ kind: 'read' })
      async #secret(): Promise<string> {
        return this.#prefix;
      }

      @withFallback({ entities: ([id]: [string]) => [{ type: 'question', id }] })
      async searchQuestion(id: string): Promise<string> {
        return (await this.#secret()) + id;
      }
    }
    const repository = new Repository('p');
    expect(repository.getQuestion.name).toBe('getQuestion');
    expect(await repository.getQuestion('1')).toBe('p1');
    expect(await repository.findAll(['a'])).toEqual(['a']);
    expect(await repository.searchQuestion('1')).toBe('p1');
    expectTypeOf(repository.getQuestion).toEqualTypeOf<(id: string) => Promise<string>>();
    expectTypeOf(repository.findAll<'a'>).returns.resolves.toEqualTypeOf<readonly 'a'[]>();
    const { getQuestion } = repository;
    await expect(getQuestion('1')).rejects.toThrow(/to be called on its instance/);
  });

  test('types: a method that is not async, or of other arguments than its specification', () => {
    const spec = withFallback({ kind: 'read', key: ([id]: [number]) => id });
    class Wrong {
      // @ts-expect-error: it is not async
      @withFallback()
      getNow(): number {
        return 1;
      }

      // @ts-expect-error: its argument is no number
      @spec
      async get(id: string): Promise<string> {
        return id;
      }
    }
    expect(new Wrong()).toBeDefined();
  });

  test('is the operation Class.method of the class that is constructed, each by itself', async () => {
    const manager = start();
    const operations = new Set<string>();
    manager.on('operation', ({ operation }) => operations.add(operation));
    abstract class Repository {
      abstract readonly kind: string;

      @withFallback()
      async get(id: string): Promise<string> {
        return `${this.kind} ${id}`;
      }

      @withFallback()
      static async find(id: string): Promise<string> {
        return id;
      }
    }
    class Questions extends Repository {
      readonly kind = 'question';
    }
    class Answers extends Repository {
      readonly kind = 'answer';
    }
    // Were they one operation, they would share their cached answers.
    expect(await new Questions().get('1')).toBe('question 1');
    expect(await new Answers().get('1')).toBe('answer 1');
    expect(await Repository.find('1')).toBe('1');
    expect([...operations]).toEqual(['Questions.get', 'Answers.get', 'Repository.find']);
  });

  test('throws at decoration where nothing tells what it is', () => {
    expect(() => {
      class Repository {
        @withFallback()
        async fetchIt() {}
      }
      return Repository;
    }).toThrow(/'fetchIt' to begin with a verb \(reads: get, find.*writes: create, add/);
  });

  test('is a method, decorated as the standard has it', () => {
    const decorate = withFallback as unknown as (...args: unknown[]) => unknown;
    const legacy = [{}, 'get', { value: async () => {} }];
    expect(() => decorate(...legacy)).toThrow(/without `experimentalDecorators`/);
    const decorator = decorate({ kind: 'read' }) as typeof decorate;
    expect(() => decorator(...legacy)).toThrow(/without `experimentalDecorators`/);
    expect(() => {
      // @ts-expect-error: a class is no method
      @withFallback()
      class Repository {}
      return Repository;
    }).toThrow(/to decorate a method/);
  });

  test('throws at construction where its class has no name, unless one is given', async () => {
    start();
    class Nameless {
      @withFallback()
      async get() {}
    }
    class Named {
      @withFallback({ name: 'thing.get' })
      async get() {
        return 1;
      }
    }
    for (const each of [Nameless, Named]) Object.defineProperty(each, 'name', { value: '' });
    expect(() => new Nameless()).toThrow(/class of 'get' to have a name, or `name`/);
    expect(await new Named().get()).toBe(1);
  });

  test('throws at construction where its name is taken', () => {
    const manager = start();
    manager.read('Repository.get', { run: async () => 1 });
    class Repository {
      @withFallback()
      async get() {}
    }
    expect(() => new Repository()).toThrow(/'Repository.get' again/);
  });

  test('instances answer for each other, unless the key tells which one it is', async () => {
    const { clock: _clock } = start();
    const down = { value: false };
    class Tenant {
      readonly name: string;
      constructor(name: string) {
        this.name = name;
      }

      @withFallback({ key: (args: [], { name }: Tenant) => [name, ...args] })
      async get(): Promise<string> {
        if (down.value) throw refused();
        return this.name;
      }
    }
    const [ann, ben] = [new Tenant('ann'), new Tenant('ben')];
    await ann.get();
    down.value = true;
    expect(await ann.get()).toBe('ann');
    await expect(ben.get()).rejects.toMatchObject({ code: 'FALLBACK_UNAVAILABLE' });
  });

  test('a live write is sent by the instance that it was called on', async () => {
    start();
    const sent: string[] = [];
    class Repository {
      readonly name: string;
      constructor(name: string) {
        this.name = name;
      }

      @withFallback()
      async save(text: string): Promise<string> {
        sent.push(`${this.name}: ${text}`);
        return text;
      }
    }
    const [first, second] = [new Repository('first'), new Repository('second')];
    await Promise.all([first.save('a'), second.save('b'), first.save('c')]);
    expect(sent).toEqual(['first: a', 'second: b', 'first: c']);
  });

  test('a replay is sent by the newest instance that lives', async () => {
    const { clock } = start();
    const sent: string[] = [];
    let down = true;
    class Repository {
      readonly name: string;
      constructor(name: string) {
        this.name = name;
      }

      @withFallback()
      async save(text: string): Promise<string> {
        if (down) throw refused();
        sent.push(`${this.name}: ${text}`);
        return text;
      }
    }
    const instances = [new Repository('old')];
    expect(await instances[0]?.save('a')).toBe('a');
    instances.push(new Repository('new'));
    down = false;
    await clock.advance(70_000);
    expect(sent).toEqual(['new: a']);
  });

  test('what an earlier process queued waits as unhandled until there is an instance', async () => {
    const store = memoryJournal();
    const upstream = service();
    function application() {
      class Questions {
        @withFallback({ idempotent: true })
        async saveQuestion(question: Question): Promise<Question> {
          return upstream.save(question);
        }
      }
      return Questions;
    }
    const before = start({ store });
    upstream.state.down = true;
    const Earlier = application();
    await new Earlier().saveQuestion({ id: '1', text: 'why' });
    await before.close();

    upstream.state.down = false;
    const Later = application();
    const manager = start({ store });
    const { clock, queue } = manager;
    await manager.open();
    await clock.advance(120_000);
    expect(queue.list()).toMatchObject([
      { operation: 'Questions.saveQuestion', state: 'unhandled' },
    ]);
    const questions = new Later();
    expect(queue.list()).toMatchObject([{ state: 'ready' }]);
    await clock.advance(1_000);
    expect(upstream.state.saved).toEqual([{ id: '1', text: 'why' }]);
    expect(questions).toBeDefined();
  });

  test('waits as unhandled again when its last instance is gone', async () => {
    const collect = garbageCollector();
    const { clock, queue } = start();
    const sent: string[] = [];
    let down = true;
    class Repository {
      @withFallback()
      async save(text: string): Promise<string> {
        if (down) throw refused();
        sent.push(text);
        return text;
      }
    }
    await (async () => void (await new Repository().save('a')))();
    for (let turn = 0; turn < 50 && queue.list()[0]?.state !== 'unhandled'; turn += 1) {
      await sleep(1);
      collect();
    }
    expect(queue.list()).toMatchObject([{ state: 'unhandled' }]);
    down = false;
    await clock.advance(120_000);
    expect(sent).toEqual([]);
    const next = new Repository();
    await clock.advance(1_000);
    expect(sent).toEqual(['a']);
    expect(next).toBeDefined();
  });

  test('only the upstream’s errors fall back: its own pass', async () => {
    start();
    class Repository {
      @withFallback()
      async get(id: string): Promise<string> {
        throw new HttpError(id === 'none' ? 404 : 403);
      }
    }
    await expect(new Repository().get('none')).rejects.toMatchObject({ status: 404 });
    await expect(new Repository().get('secret')).rejects.toMatchObject({ status: 403 });
  });
});

describe('the manager', () => {
  test('may come later; without one a call says so', async () => {
    const get = withFallback(async function getLate() {
      return 1;
    });
    await expect(get()).rejects.toThrow(/one fallback manager.*there is: none/);
    const manager = start();
    expect(await get()).toBe(1);
    expect(manager.status().operations.live).toBe(1);
  });

  test('must be named where there are several', async () => {
    const getOne = async () => 1;
    const [one, other] = [start({ name: 'one' }), start({ name: 'other' })];
    expect(await withFallback(getOne, { manager: 'other' })()).toBe(1);
    expect(await withFallback(getOne, { manager: one })()).toBe(1);
    expect([one, other].map((manager) => manager.status().operations.live)).toEqual([1, 1]);
    await expect(withFallback(getOne)()).rejects.toThrow(/there is: 'one', 'other'/);
  });

  test('is the next of its name after it was closed; until then calls go straight to the upstream', async () => {
    const get = withFallback(
      async function getNext() {
        return 1;
      },
      { manager: 'next' },
    );
    const first = start({ name: 'next' });
    await get();
    await first.close();
    expect(await get()).toBe(1);
    const second = start({ name: 'next' });
    expect(await get()).toBe(1);
    expect(first.status().operations.live).toBe(2);
    expect(second.status().operations.live).toBe(1);
  });

  test('a declaration that fails when it comes does not break it, and is told by the call', async () => {
    const getOne = async () => 1;
    const get = withFallback(getOne, { manager: 'late' });
    const twin = withFallback(getOne, { manager: 'late' });
    start({ name: 'late' });
    expect(await get()).toBe(1);
    await expect(twin()).rejects.toThrow(/'getOne' again/);
  });

  test('adapters say which is the default, and make it at the first call', async () => {
    let made: FallbackManager | undefined;
    const own = createWithFallback({
      find: () => made,
      get() {
        made = start({ name: 'made' });
        return made;
      },
    });
    const get = own(async function getMade() {
      return 1;
    });
    expect(made).toBeUndefined();
    expect(await get()).toBe(1);
    expect(made?.status().operations.live).toBe(1);
  });
});

/** Node's own, without a flag for the whole process. */
function garbageCollector(): () => void {
  const { setFlagsFromString } = process.getBuiltinModule('node:v8');
  setFlagsFromString('--expose-gc');
  return process.getBuiltinModule('node:vm').runInNewContext('gc') as () => void;
}

test('a subclass may decorate its own and call the one above: each is an operation', async () => {
  const manager = start();
  class Store {
    @withFallback({ manager })
    async getItem(id: string): Promise<string> {
      return `item ${id}`;
    }
    @withFallback({ manager })
    static async listAll(): Promise<string> {
      return 'all';
    }
  }
  class Shop extends Store {
    @withFallback({ manager })
    override async getItem(id: string): Promise<string> {
      return `shop's ${await super.getItem(id)}`;
    }
    @withFallback({ manager })
    static override async listAll(): Promise<string> {
      // biome-ignore lint/complexity/noThisInStatic: this is what is tested
      return `shop's ${await super.listAll()}`;
    }
  }
  class Corner extends Shop {
    override async getItem(id: string): Promise<string> {
      return `corner ${await super.getItem(id)}`;
    }
  }
  const operations = new Set<string>();
  manager.on('operation', ({ operation }) => operations.add(operation));
  expect(await new Shop().getItem('1')).toBe("shop's item 1");
  expect(await Shop.listAll()).toBe("shop's all");
  expect(await new Store().getItem('1')).toBe('item 1');
  expect(await new Corner().getItem('1')).toBe("corner shop's item 1");
  expect([...operations].sort()).toEqual([
    'Corner.getItem',
    'Shop.getItem',
    'Shop.listAll',
    'Store.getItem',
    'Store.listAll',
  ]);
});

test('a generator is no operation, and is told so when it is wrapped', () => {
  const wrap = withFallback as unknown as (...given: unknown[]) => unknown;
  async function* listItems() {
    yield 1;
  }
  expect(() => wrap(listItems)).toThrow("'listItems' is a generator");
  const context = { kind: 'method', name: 'listItems', static: false, addInitializer() {} };
  expect(() => wrap(listItems, context)).toThrow("'listItems' is a generator");
});

test('a specification that is none is told so', () => {
  const wrap = withFallback as unknown as (...given: unknown[]) => unknown;
  expect(() => wrap(async function getItem() {}, 5)).toThrow('to be given an object of options');
});

test('a method that is called on nothing says so, as a rejection', async () => {
  const manager = start();
  class Store {
    @withFallback({ manager })
    async getItem(): Promise<number> {
      return 1;
    }
  }
  const { getItem } = new Store();
  for (const instance of [null, undefined, 5])
    await expect(getItem.call(instance as unknown as Store)).rejects.toThrow(
      "Expected 'getItem' to be called on its instance",
    );
});

test('of two managers of one name the earlier one is found again when the later one is closed', async () => {
  const earlier = start({ name: 'twice' });
  const later = start({ name: 'twice' });
  expect(getFallbackManager('twice')).toBe(later);
  await later.close();
  expect(getFallbackManager('twice')).toBe(earlier);
  await earlier.close();
  expect(() => getFallbackManager('twice')).toThrow("a fallback manager 'twice'");
});
