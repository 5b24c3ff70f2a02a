/** Loaded into every process of the demo: it ends when the demo is gone, even by kill -9. */

process.on('disconnect', () => process.exit());
process.channel?.unref(); // a process that has nothing else to do may end

export {};
