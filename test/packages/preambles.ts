/** What the fragments of the READMEs take for granted: names of the text around them, or of an app. */

import type { Snippet } from './snippets.ts';

/**
 * Declarations by the name of the snippet that needs them. A snippet that stands by itself has none;
 * a new one that does not fails until it has. (They become one line: no `//` in them.)
 */
export const preambles: Record<string, string> = {
  'README.md # Any other upstream': `
    import express from 'express';
    interface Question { id: string; topicId: string }
    interface Options { signal: AbortSignal; idempotencyKey?: string }
    declare const api: {
      get(id: string, options: Options): Promise<Question>;
      save(question: Question, options: Options): Promise<Question>;
    };
    const app = express();
  `,
  'README.md # The live page': `
    import express from 'express';
    import { graphitiFallback } from '@graphiti-fallback/express';
    const app = express();
  `,
  'README.md # Several upstreams': `
    import express from 'express';
    import { graphitiFallback } from '@graphiti-fallback/express';
    const app = express();
  `,
  'README.md # Maintenance and batch imports': `
    import type { FallbackManager, WriteOperation } from '@graphiti-fallback/core';
    interface Question { id: string; text: string }
    declare const manager: FallbackManager;
    declare const questions: Question[];
    declare const saveQuestion: WriteOperation<Question, Question>;
  `,
  'README.md # Functions and methods that you have': `
    interface Report { id: string; text: string }
    declare const api: {
      getReport(id: string, options: { signal: AbortSignal | undefined }): Promise<Report>;
      saveReport(report: Report, options: { idempotencyKey: string | undefined }): Promise<Report>;
      listReports(topic: string): Promise<Report[]>;
    };
  `,
  'README.md # Local entities': `
    import type { FallbackManager } from '@graphiti-fallback/core';
    interface Author { id: string; name: string }
    interface Options { signal: AbortSignal }
    declare const manager: FallbackManager;
    declare const api: {
      getAuthor(id: string, options: Options): Promise<Author>;
      saveAuthor(author: Author, options: Options): Promise<Author>;
    };
  `,
  'README.md # Settings': `
    import type { Server } from 'node:http';
    import { graphitiFallback } from '@graphiti-fallback/express';
    declare const server: Server;
  `,
  // Jest's globals, and the app of the README beside it.
  'README.md # In your tests': `
    import type {} from '@graphiti-fallback/express';
    declare function test(name: string, body: () => Promise<void>): void;
    declare function afterAll(hook: () => unknown): void;
  `,
  'packages/express/README.md # Express 4': `
    import express from 'express';
    import { graphitiFallback } from '@graphiti-fallback/express';
    const app = express();
  `,
  'packages/otel/README.md # When the process ends': `
    import type { FallbackManager } from '@graphiti-fallback/core';
    import { startTelemetry } from '@graphiti-fallback/otel';
    declare const fallback: FallbackManager;
  `,
  'packages/core/README.md # Reads': `
    import type { FallbackManager } from '@graphiti-fallback/core';
    interface Price { amount: number; changing: boolean }
    interface Options { signal: AbortSignal; headers: Readonly<Record<string, string>> }
    declare const manager: FallbackManager;
    declare const api: { price(id: string, options: Options): Promise<Price> };
    declare const token: string;
  `,
  'packages/core/README.md # Confirmation': `
    import type { FallbackManager } from '@graphiti-fallback/core';
    interface Letter { box: string; text: string }
    interface Options { signal: AbortSignal; idempotencyKey?: string }
    declare const manager: FallbackManager;
    declare const api: {
      post(letter: Letter, options: Options): Promise<void>;
      idsIn(box: string, options: Options): Promise<string[]>;
    };
  `,
  'packages/core/README.md # Queue': `
    import type { FallbackManager } from '@graphiti-fallback/core';
    declare const manager: FallbackManager;
  `,
  'README.md # Modes': `
    import type { FallbackManager } from '@graphiti-fallback/core';
    declare const manager: FallbackManager;
  `,
};

/** The declarations before a snippet. */
export function preambleOf({ name }: Snippet): string {
  return preambles[name]?.trim() ?? '';
}
