/** Options are checked when something is constructed, and refused in the user's words. */

/** Says what is expected where a value is wrong; `undefined` where it is right. */
export type Check = (value: unknown) => string | undefined;

/** A whole number of at least `least`. */
export function wholeNumber(least: number): Check {
  return (value) =>
    Number.isInteger(value) && (value as number) >= least
      ? undefined
      : `a whole number, ${least} or more`;
}

/** A duration in milliseconds of at least `least`. */
export function milliseconds(least: number): Check {
  return (value) =>
    typeof value === 'number' && Number.isFinite(value) && value >= least
      ? undefined
      : `${least || 0} or more milliseconds`;
}

/** A share of a whole. */
export const share: Check = (value) =>
  typeof value === 'number' && value >= 0 && value <= 1 ? undefined : 'a number from 0 to 1';

/** A number. */
export const finite: Check = (value) => (Number.isFinite(value) ? undefined : 'a number');

/** A text that is not empty. */
export const text: Check = (value) =>
  typeof value === 'string' && value.trim() !== '' ? undefined : 'a text that is not empty';

/** True or false. */
export const flag: Check = (value) => (typeof value === 'boolean' ? undefined : 'true or false');

/** The way to turn something off. */
export const off: Check = (value) => (value === false ? undefined : 'false');

/** A function. */
export const callable: Check = (value) => (typeof value === 'function' ? undefined : 'a function');

/** One of several texts. */
export function oneOf(...texts: readonly string[]): Check {
  return (value) =>
    texts.some((each) => each === value)
      ? undefined
      : [texts.slice(0, -1).join(', '), texts.at(-1)].filter(Boolean).join(' or ');
}

/** An http or https URL. */
export const httpUrl: Check = (value) =>
  typeof value === 'string' && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
    ? undefined
    : 'an http or https URL';

/** An object with the given methods: something that was made elsewhere, such as a store. */
export function withMethods(noun: string, ...methods: readonly string[]): Check {
  return (value) =>
    typeof value === 'object' &&
    value !== null &&
    methods.every((name) => typeof Reflect.get(value, name) === 'function')
      ? undefined
      : `${noun} (with ${methods.join(', ')})`;
}

/** A list whose items all pass. */
export function listOf(item: Check): Check {
  return (value) => {
    if (!Array.isArray(value)) return 'a list';
    const wrong = value.map((entry) => item(entry)).find((expected) => expected !== undefined);
    return wrong && `a list of which each is ${wrong}`;
  };
}

/** Either of two checks. */
export function either(a: Check, b: Check): Check {
  return (value) => {
    const wrong = a(value);
    return wrong === undefined || b(value) === undefined ? undefined : `${wrong} or ${b(value)}`;
  };
}

/**
 * Checks an options object member by member; `undefined` members count as not given.
 *
 * @throws {TypeError} naming the option, what was expected and what came
 */
export function checkOptions(
  where: string,
  options: unknown,
  checks: Readonly<Record<string, Check>>,
): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new TypeError(`Expected ${where} to be an object of options, got ${shown(options)}`);
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (!check) {
      const known = Object.keys(checks).join(', ');
      throw new TypeError(
        `Unknown option \`${name}\` of ${where} (got ${shown(value)}); expected one of: ${known}`,
      );
    }
    const expected = value === undefined ? undefined : check(value);
    if (expected)
      throw new TypeError(
        `Expected \`${name}\` of ${where} to be ${expected}, got ${shown(value)}`,
      );
  }
}

/** A value as an error may show it: short, without credentials of a URL, and never the inside of an object. */
function shown(value: unknown): string {
  if (typeof value === 'string') {
    const open = value.replace(/:\/\/.*@/s, '://…@');
    return JSON.stringify(open.length > 60 ? `${open.slice(0, 60)}…` : open);
  }
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}
