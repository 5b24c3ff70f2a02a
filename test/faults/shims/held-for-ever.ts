/** Takes out what keeps a lane to one instance: whoever had a claim believes in it for ever, whatever it is told. */

const built = (file: string) =>
  new URL(`../../../packages/store-redis/dist/${file}`, import.meta.url).href;
const { Session } = await import(built('session.js'));
const { RedisQueue } = await import(built('redis-queue.js'));
Session.prototype.held = () => true;
const { note } = RedisQueue.prototype;
RedisQueue.prototype.note = async function noted(...args: unknown[]) {
  await note.apply(this, args);
  return true;
};

export {};
