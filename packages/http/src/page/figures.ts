/** Numbers and times as people read them. */

const units = [
  ['d', 86_400_000, 'h', 3_600_000],
  ['h', 3_600_000, 'min', 60_000],
  ['min', 60_000, 's', 1_000],
] as const;

/** A duration in ms in its two greatest units: `3 min 12 s`. */
export function lasting(ms: number): string {
  const whole = Math.max(0, ms);
  const [unit, length, rest, part] = units.find((each) => whole >= each[1]) ?? [];
  if (unit === undefined) return `${Math.floor(whole / 1_000)} s`;
  const parts = Math.floor((whole % length) / part);
  return `${Math.floor(whole / length)} ${unit}${parts > 0 ? ` ${parts} ${rest}` : ''}`;
}

const timeOfDay = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const dayAndTime = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

/** How long ago something was. */
export function ago(ms: number): string {
  return ms < 1_000 ? 'just now' : `${lasting(ms)} ago`;
}

/** The time of day; with the day where that is another than today. */
export function moment(at: number, now: number): string {
  const sameDay = new Date(at).toDateString() === new Date(now).toDateString();
  return (sameDay ? timeOfDay : dayAndTime).format(at);
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** A count: whole up to 9,999, then `12.3K`. */
export function count(value: number): string {
  return value < 10_000 ? whole.format(value) : short.format(value);
}

/** So many of something a second. */
export function rate(value: number): string {
  if (value === 0) return '0';
  if (value < 10) return value.toFixed(1);
  return count(value);
}

/** Bytes. */
export function size(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  if (bytes < 1_048_576) return `${(bytes / 1_024).toFixed(1)} KiB`;
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}

/** A share of a whole. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
}

/** One, or many. */
export function counted(value: number, one: string, many: string): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** A code as words: `half_open`, `half-open`. */
export function words(code: string): string {
  return code.replaceAll('_', '-');
}
