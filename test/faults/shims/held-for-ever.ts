/** Takes out what keeps a lane to one instance: whoever had a claim believes in it for ever. */

const built = new URL('../../../packages/store-redis/dist/session.js', import.meta.url);
const { Session } = await import(built.href);
Session.prototype.held = () => true;

export {};
