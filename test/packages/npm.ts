/** npm, as a command. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Runs npm in a folder and answers what it prints.
 *
 * @throws {Error} when npm fails or takes four minutes, with what it says
 */
export async function npm(cwd: string, ...args: string[]): Promise<string> {
  try {
    const { stdout } = await run('npm', [...args, '--loglevel=error'], { cwd, timeout: 240_000 });
    return stdout;
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    throw new Error(`npm ${args.join(' ')} failed:\n${stderr || error}`);
  }
}

/**
 * Asks the registry for something small, so that who is offline learns it at once.
 *
 * @throws {Error} when there is no answer
 */
export async function reachRegistry(): Promise<void> {
  try {
    await npm('.', 'view', 'typescript', 'version', '--fetch-retries=0', '--fetch-timeout=20000');
  } catch (cause) {
    throw new Error(
      'npm run test:packages needs the npm registry, which does not answer (npm test and npm run check need none).',
      { cause },
    );
  }
}
