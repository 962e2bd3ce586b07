import type { ConfigFile, FetchedStep } from '../dialects/dialect.ts';
import { type Parsed, type Problem, parsed, refused } from '../plan/problem.ts';
import { type StepFiles, UnsafeStep } from './step-entries.ts';

/** The one that is newer wins. */
const manifestNames = ['step.yml', 'wercker-step.yml'] as const;
const scriptNames = ['run.sh', 'init.sh'] as const;

export type StepCode = Pick<FetchedStep, 'manifest' | 'files'>;

/** What a plan wants to know of a step's files; without a script it is no step (R-WRK-86). */
export const stepCode = (what: string, files: StepFiles): Parsed<StepCode> => {
  const root = Array.from(files.keys()).filter((path) => !path.includes('/'));
  if (!scriptNames.some((name) => root.includes(name))) return refused(noScript(what, root));
  const manifest = manifestOf(files);
  return parsed({ files: root.sort(), ...(manifest && { manifest }) });
};

export const manifestOf = (files: StepFiles): ConfigFile | undefined => {
  for (const path of manifestNames) {
    const bytes = contentOf(files, path);
    if (bytes !== undefined) return { path, bytes };
  }
  return undefined;
};

/** Of a file, or of the one that a link names in the same directory. */
const contentOf = (files: StepFiles, path: string): Uint8Array | undefined => {
  const entry = files.get(path);
  if (entry?.kind === 'file') return entry.bytes;
  const linked = entry?.kind === 'symlink' ? files.get(entry.target.replace(/^\.\//, '')) : undefined;
  return linked?.kind === 'file' ? linked.bytes : undefined;
};

const noScript = (what: string, root: readonly string[]): Problem => ({
  code: 'STEP_NO_SCRIPT',
  message: `The step ${what} has neither run.sh nor init.sh${root.length === 0 ? ': it is empty' : `, only ${some(root)}`}.`,
  hint: 'A step needs a run.sh in its root.',
});

const some = (names: readonly string[]): string => (names.length > 5 ? `${names.slice(0, 5).join(', ')}, …` : names.join(', '));

/** A Problem for files that are refused; any other error is thrown on. */
export const unsafeStep = (what: string, error: unknown): Parsed<never> => {
  if (!(error instanceof UnsafeStep)) throw error;
  return refused({
    code: 'STEP_UNSAFE',
    message: `The step ${what} is refused: it ${error.message}.`,
    hint: 'Take another version of it, or have its author pack it again ("cion step pack").',
  });
};
