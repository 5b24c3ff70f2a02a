/** The page for browsers: a frame of HTML here, its scripts and styles as files beside it. */

import type { ServerResponse } from 'node:http';
import accepts from 'accepts';
import type { Exchange } from './exchange.ts';
import { pageFiles } from './page-files.ts';
import { sendProblem } from './problem.ts';

interface LivePageOptions {
  readonly publicPath: string | undefined;
  readonly traceUrl: string | undefined;
  /** Whether somebody may act. */
  readonly operated: boolean;
}

interface LivePage {
  /** Whether the client would rather have the page than JSON. */
  isWanted(exchange: Exchange): boolean;
  answer(exchange: Exchange): Promise<void>;
  /** Answers one of the files, or that there are none; `undefined` where there is none of that name. */
  answerFile(exchange: Exchange, name: string): Promise<void> | undefined;
}

const types: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
};

/** Nothing but what lies beside the page, no frame around it, no form that leaves it. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

/** Makes the page of one manager's status. */
export function createLivePage(options: LivePageOptions): LivePage {
  return {
    isWanted({ request }) {
      // The first one is for `*/*`, and for who says nothing.
      return accepts(request).type(['application/json', 'text/html']) === 'text/html';
    },
    async answer(exchange) {
      const { response } = exchange;
      guard(response);
      send(response, 'text/html; charset=utf-8', htmlOf(exchange, options));
    },
    answerFile(exchange, name) {
      const files = pageFiles();
      const file = files.get(name);
      if (file) return answerFile(exchange, name, file);
      return files.size === 0 ? answerMissing(exchange) : undefined;
    },
  };
}

async function answerMissing({ response }: Exchange): Promise<void> {
  const detail = 'This app was bundled without the files of the page; the status is there as JSON';
  sendProblem(response, 404, 'FALLBACK_NO_PAGE', detail);
}

async function answerFile({ response }: Exchange, name: string, file: Buffer): Promise<void> {
  guard(response);
  send(response, types[name.slice(name.lastIndexOf('.') + 1)] ?? 'text/plain', file);
}

/** In place of what the app says of its own pages. */
function guard(response: ServerResponse): void {
  response.removeHeader('Content-Security-Policy-Report-Only');
  response.setHeader('Content-Security-Policy', policy);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('X-Frame-Options', 'DENY');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
}

function send(response: ServerResponse, type: string, body: string | Buffer): void {
  if (response.headersSent) return;
  response.statusCode = 200;
  response.setHeader('Content-Type', type);
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.setHeader('Cache-Control', 'no-store');
  response.end(body);
}

function htmlOf(exchange: Exchange, { traceUrl, operated, publicPath }: LivePageOptions): string {
  const below = escaped(publicPath ? `${withoutSlash(publicPath)}/` : belowOf(exchange));
  const links = traceUrl ? ` data-trace-url="${escaped(traceUrl)}"` : '';
  const why =
    pageFiles().size > 0
      ? 'The status is being read. Where no scripts run it is there as JSON'
      : 'This app was bundled without the files of this page. The status is there as JSON';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>Fallback</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${below}page/page.css">
<script type="module" src="${below}page/main.js"></script>
</head>
<body data-below="${below}"${links}${operated ? ' data-operated' : ''}>
<div id="page"><p class="notice">${why}: the same address, with <code>Accept: application/json</code>.</p></div>
</body>
</html>
`;
}

/** Where the page's files are, as seen from the address that the browser has: relative, so that a prefix does no harm. */
function belowOf({ request, originalUrl = request.url ?? '' }: Exchange): string {
  const [path = ''] = originalUrl.split('?');
  const last = path.slice(path.lastIndexOf('/') + 1);
  return last === '' ? './' : `./${last}/`;
}

function withoutSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
