import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Look, look } from '../look.ts';

/** Compares with `golden/<name>.txt` beside the printers; `--test-update-snapshots` writes it. */
export const golden = (t: TestContext, name: string, lines: readonly string[] | string): void => {
  const text = typeof lines === 'string' ? lines : lines.join('\n');
  t.assert.fileSnapshot(text, join(import.meta.dirname, '..', 'golden', `${name}.txt`), { serializers: [String] });
};

/** Without colours, in UTC. */
export const plainLook = (columns = 100, kind: 'unicode' | 'ascii' = 'unicode'): Look => ({
  ...look({ env: {}, isTTY: false, columns, ascii: kind === 'ascii' }),
  timeZone: 'UTC',
});

export const noon = Date.UTC(2026, 10, 21, 12, 0, 0);
