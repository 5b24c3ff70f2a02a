import { expect, test } from 'vitest';
import { sayer } from './problems.ts';

function recording() {
  const lines: string[] = [];
  let time = 0;
  const say = sayer(
    (line) => lines.push(line),
    () => time,
  );
  return {
    lines,
    say,
    pass: (ms: number) => {
      time += ms;
    },
  };
}

test('a problem is said once a minute, another one at once', () => {
  const { lines, say, pass } = recording();
  const refused = Object.assign(new AggregateError([new Error('connect ECONNREFUSED ::1:4318')]), {
    code: 'ECONNREFUSED',
  });
  say('cannot export:', refused);
  say('cannot export:', refused);
  say('cannot export:', Object.assign(new Error('Not Found'), { code: 404 }));
  pass(60_000);
  say('cannot export:', refused);
  expect(lines).toEqual([
    '[opentelemetry] cannot export: connect ECONNREFUSED ::1:4318',
    '[opentelemetry] cannot export: Not Found (404). A backend that takes no metrics or no logs is spared them by OTEL_METRICS_EXPORTER=none, OTEL_LOGS_EXPORTER=none',
    '[opentelemetry] cannot export: connect ECONNREFUSED ::1:4318',
  ]);
});
