import { createHash } from 'node:crypto';
import type { Item } from '../runtime.ts';

/**
 * Names of things, derived from what they are for; a dot stands only where one is derived from another, and what follows it begins with `_`
 * where it is no name of somebody's choice.
 */
export const makeNames = (namespace: string) => {
  const container = ({ run, stage, attempt, part }: Item): string =>
    `${namespace}-${plain(run)}-${plain(stage.name)}-${attempt}${part === undefined ? '' : `-${part}`}`;

  return {
    container,
    service: (item: Item, service: string): string => `${container(item)}.${plain(service)}`,
    networkOf: (item: Item): string => `${container(item)}.net`,
    ofRuns: `${namespace}-run_`,
    /** What the names of all its containers and volumes begin with. */
    ofRun: (run: string): string => `${namespace}-${plain(run)}-`,
    volume: (run: string, volume: string): string => `${namespace}-${plain(run)}-${plain(volume)}`,
    /** One directory of a volume, as a volume. */
    directory: (volume: string, directory: string): string => `${volume}._in.${plain(directory)}`,
    copy: (item: Item, volume: string, directory?: string): string =>
      `${container(item)}.${plain(volume)}${directory === undefined ? '' : `.${plain(directory)}`}`,
    /** Of the attempt's input files that are in or below this directory. */
    inputs: (item: Item, directory: string): string => `${container(item)}._inputs.${plain(directory)}`,
    /** The container through which a volume is filled and read. */
    helper: (volume: string): string => `${volume}._files`,
    cache: (project: string, key: string): string => `${namespace}-cache-${plain(project)}.${plain(key)}`,
    /** What the names of those begin with that were in reserve and are the run's now; no stage's name begins with `_`. */
    taken: (run: string): string => `${namespace}-${plain(run)}-_pause-`,
    isTaken: (container: string): boolean => container.includes('-_pause-'),
    pauseImage: `${namespace}/pause`,
    /** What a stage committed without a name of its own. */
    committed: (run: string, stage: string, step?: string): string =>
      `${namespace}-image:${plain(run)}-${plain(stage)}${step === undefined ? '' : `.${plain(step)}`}`,
    /** An image that a step of a run built and called so. */
    builtAs: (run: string, name: string): string => `${namespace}-image:${plain(run)}.${plain(name)}`,
    built: (content: string): string => `${namespace}-build:${content}`,
  };
};

export type Names = ReturnType<typeof makeNames>;

/** Itself where the engine takes it as part of a name, else what is left of it and a hash of it. */
export const plain = (text: string): string => {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}$/.test(text)) return text;
  const left = text
    .normalize('NFKD')
    .replace(/[^a-zA-Z0-9_]+/g, '-')
    .replace(/^[-_]+|[-_]+$/g, '')
    .slice(0, 40);
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 10);
  return left === '' ? hash : `${left}-${hash}`;
};
