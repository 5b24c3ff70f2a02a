/** A real Chromium, and what it needs. */

import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Where screenshots go. */
export const screenshots: string =
  process.env.SCREENSHOTS ?? join(tmpdir(), 'graphiti-fallback-screenshots');

/** How to get a Chromium, where it is missing. */
export function missingChromium(): string | undefined {
  if (program()) return undefined;
  return [
    'There is no Chromium to open the page with. Either',
    '  install the package: apt-get install --no-install-recommends chromium',
    '  or name one that is there: CHROMIUM=/path/to/chrome',
  ].join('\n');
}

function program(): string | undefined {
  const known = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  return [process.env.CHROMIUM ?? '', ...known].find((path) => path && existsSync(path));
}

/** Starts one. */
export function openBrowser(): Promise<Browser> {
  mkdirSync(screenshots, { recursive: true });
  // As root, which is how containers run tests, its sandbox does not work.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: program() ?? 'chromium', args });
}

/** Keeps a picture of a page, for people. */
export async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
}

/** What axe finds on a page that shuts somebody out. */
export async function barriers(page: Page): Promise<readonly string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical' || impact === 'moderate')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
}
