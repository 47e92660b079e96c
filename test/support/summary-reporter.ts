interface Results {
  numPassedTests: number;
  numFailedTests: number;
  /** Files that could not be run. */
  numRuntimeErrorTestSuites: number;
}

/** Ends the output with one plain line: `N passed, N failed`. A file that can't be run is a failure. */
export default class SummaryReporter {
  onRunComplete(_contexts: unknown, results: Results): void {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    // At exit, because jest's own summary always comes after the reporters that are configured.
    process.once("exit", () => {
      process.stdout.write(`${results.numPassedTests} passed, ${failed} failed\n`);
    });
  }
}
