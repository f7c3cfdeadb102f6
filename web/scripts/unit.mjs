// The unit tests, a line a test as tests/run.py reads them.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// One line, without control characters.
const plain = (text) => text.replace(/[\s\u0000-\u001f\u007f-\u009f]+/gu, ' ').trim();

const folder = mkdtempSync(join(tmpdir(), 'consilium-unit-'));
const report = join(folder, 'report.json');
const run = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', '--reporter=json', `--outputFile=${report}`], { encoding: 'utf8' });
try {
  for (const file of JSON.parse(readFileSync(report, 'utf8')).testResults) {
    for (const test of file.assertionResults) {
      const name = plain([...test.ancestorTitles, test.title].join(' > '));
      const seconds = ((test.duration ?? 0) / 1000).toFixed(2);
      if (test.status === 'passed') console.log(`PASS ${name} [${seconds}s]`);
      else if (test.status === 'failed') console.log(`FAIL ${name}: ${String(test.failureMessages[0]).replace(/\s+/g, ' ').slice(0, 1000)}`);
      // `pending`: not for this file (runIf), so there is nothing to report.
    }
    if (file.status === 'failed' && file.assertionResults.length === 0) console.log(`FAIL ${file.name}: ${String(file.message).replace(/\s+/g, ' ').slice(0, 1000)}`);
  }
} catch {
  console.log(`FAIL unit tests: ${(run.stdout + run.stderr).replace(/\s+/g, ' ').slice(-1000)}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = run.status ?? 1;
