/** Names the tests that passed only when they were run again: each is a fault, of the test or of the code. */

import type { Reporter, TestCase } from 'vitest/node';

export default class UnsteadyReporter implements Reporter {
  readonly #unsteady: string[] = [];

  onTestCaseResult(test: TestCase): void {
    if (test.diagnostic()?.flaky)
      this.#unsteady.push(`${test.module.relativeModuleId} > ${test.fullName}`);
  }

  onTestRunEnd(): void {
    for (const name of this.#unsteady) console.log(`!! passed at its second try only: ${name}`);
  }
}
