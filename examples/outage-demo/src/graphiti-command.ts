/** Where the command of the Graphiti-compatible server is. */

/** File URL of its launcher; from source, where there is no dist to launch, of the command itself. */
export function graphitiCommand(): string {
  const fromSource = import.meta.url.endsWith('.ts');
  return fromSource
    ? new URL('./cli.ts', import.meta.resolve('@graphiti-fallback/testing')).href
    : new URL(
        './bin/graphiti-server.js',
        import.meta.resolve('@graphiti-fallback/testing/package.json'),
      ).href;
}
