import { tarEnd, tarHeader, tarPadding } from '../lib/tar-header.ts';
import type { StepEntry, StepFiles } from './step-entries.ts';

/**
 * One tar for one content: entries in the order of their names, no times, no owners, and of the permissions whether a file is
 * executable, as git has it.
 */
export const tarOfStep = (files: StepFiles): Buffer => {
  const names = Array.from(files.keys()).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return Buffer.concat([...names.flatMap((name) => piecesOf(name, files.get(name))), tarEnd()]);
};

const piecesOf = (path: string, entry: StepEntry | undefined): readonly Buffer[] => {
  const name = Buffer.from(path);
  switch (entry?.kind) {
    case 'directory':
      return [tarHeader({ name, kind: 'directory', mode: 0o755, at: 0, bytes: 0 })];
    case 'symlink':
      return [tarHeader({ name, kind: 'symlink', mode: 0o777, at: 0, bytes: 0, target: Buffer.from(entry.target) })];
    case 'file': {
      const bytes = entry.bytes.length;
      return [
        tarHeader({ name, kind: 'file', mode: entry.executable ? 0o755 : 0o644, at: 0, bytes }),
        Buffer.from(entry.bytes),
        tarPadding(bytes),
      ];
    }
    case undefined:
      return [];
  }
};
