import { readFile } from 'node:fs/promises';
import { writeAtomically } from '../lib/atomic-file.ts';

/** What a reference came to when its step was last fetched. */
export type IndexedStep = {
  readonly owner: string;
  readonly name: string;
  readonly version?: string;
  /** SHA-256 of the tar of its files. */
  readonly tree: string;
  readonly fetchedAt: number;
};

/** Remembers fetched steps by where they come from. Losing an entry costs a download and nothing else. */
export type StepIndex = {
  all(): Promise<ReadonlyMap<string, IndexedStep>>;
  /** One after the other within a process. */
  remember(entries: ReadonlyMap<string, IndexedStep>): Promise<void>;
};

/** Kept in a JSON file; one that cannot be understood is empty. */
export const stepIndex = (path: string): StepIndex => {
  let last: Promise<void> = Promise.resolve();
  const all = async (): Promise<ReadonlyMap<string, IndexedStep>> => entriesIn(await readFile(path, 'utf8').catch(() => ''));
  const write = async (entries: ReadonlyMap<string, IndexedStep>): Promise<void> => {
    const merged = new Map([...(await all()), ...entries]);
    const steps = Object.fromEntries(Array.from(merged).sort(([a], [b]) => (a < b ? -1 : 1)));
    await writeAtomically(path, `${JSON.stringify({ version: 1, steps }, undefined, 2)}\n`, `${path}.${crypto.randomUUID()}.tmp`);
  };
  return {
    all,
    remember: (entries) => {
      last = last.catch(() => undefined).then(() => write(entries));
      return last;
    },
  };
};

const entriesIn = (text: string): ReadonlyMap<string, IndexedStep> => {
  try {
    const { version, steps } = JSON.parse(text) as { readonly version?: unknown; readonly steps?: Readonly<Record<string, unknown>> };
    if (version !== 1) return new Map();
    return new Map(Object.entries(steps ?? {}).flatMap(([key, step]) => (isIndexed(step) ? [[key, step] as const] : [])));
  } catch {
    return new Map();
  }
};

const isIndexed = (step: unknown): step is IndexedStep => {
  if (typeof step !== 'object' || step === null) return false;
  const { owner, name, version, tree, fetchedAt } = step as Partial<Record<keyof IndexedStep, unknown>>;
  const texts = [owner, name, tree, version ?? ''];
  return texts.every((text) => typeof text === 'string') && typeof fetchedAt === 'number' && /^[0-9a-f]{64}$/.test(String(tree));
};
