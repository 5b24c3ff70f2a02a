/** Environment variables that are there for a moment: NodeSDK takes some settings from nowhere else. */

/** Does something with defaults for variables that are not set, and takes them back. */
export function withVariables<Result>(
  variables: Readonly<Record<string, string>>,
  action: () => Result,
): Result {
  const missing = Object.entries(variables).filter(([name]) => !process.env[name]?.trim());
  const before = missing.map(([name]) => [name, process.env[name]] as const);
  for (const [name, value] of missing) process.env[name] = value;
  try {
    return action();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
