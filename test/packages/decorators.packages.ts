import { beforeAll, expect, inject, test } from 'vitest';
import { type ConsumerProject, consumerProject } from './consumer-project.ts';

const program = `
import { FallbackManager, withFallback } from '@graphiti-fallback/core';

let down = false;

class Reports {
  readonly #prefix: string;
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  @withFallback({ entities: ([id]: [string]) => [{ type: 'report', id }] })
  async getReport(id: string): Promise<string> {
    if (down) throw Object.assign(new Error('down'), { status: 503 });
    return this.#prefix + id;
  }

  @withFallback
  async saveReport<T extends { id: string }>(report: T): Promise<T> {
    if (down) throw Object.assign(new Error('down'), { status: 503 });
    return report;
  }
}

const manager = new FallbackManager({ name: 'reports', logger: false, retry: { retries: 0 } });
const reports = new Reports('report ');
await reports.getReport('1');
down = true;
const saved: { id: string; text: string } = await reports.saveReport({ id: '2', text: 'new' });
const [queued] = manager.queue.list();
console.log(JSON.stringify([await reports.getReport('1'), saved.text, queued?.operation]));
await manager.close();
`;

let project: ConsumerProject;

beforeAll(async () => {
  const versions = { typescript: '^7', 'typescript-5.9': 'npm:typescript@~5.9' };
  const dependencies = { ...versions, '@types/node': '^24', '@opentelemetry/api': '^1.9.0' };
  const tarball = inject('tarballs')['@graphiti-fallback/core'] ?? '';
  project = await consumerProject('decorators', dependencies, [tarball]);
  project.write('src/app.ts', program);
});

test.each(['typescript', 'typescript-5.9'])(
  'methods decorated as %s compiles them',
  async (tsc) => {
    const outDir = `dist-${tsc}`;
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2023',
      types: ['node'],
      strict: true,
      skipLibCheck: false,
      exactOptionalPropertyTypes: true,
      rootDir: 'src',
      outDir,
    };
    project.write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['src'] }));
    const compiled = await project.run([`node_modules/${tsc}/bin/tsc`, '-p', '.']);
    expect(compiled.output).toBe('');
    const { output } = await project.run([`${outDir}/app.js`]);
    expect(JSON.parse(output)).toEqual(['report 1', 'new', 'Reports.saveReport']);
  },
);
