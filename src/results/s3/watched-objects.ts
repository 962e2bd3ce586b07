import type { Clock } from '../../lib/clock.ts';
import { ResultsError } from '../results-error.ts';
import type { S3Objects } from './s3-objects.ts';

/** A place that does not answer: since when (epoch ms), and what was heard of it last. */
export type Trouble = { readonly since: number; readonly message: string };

export type Watched = {
  readonly objects: S3Objects;
  /** What keeps everything that is to be kept or read there waiting; `undefined` while it answers. */
  trouble(): Trouble | undefined;
};

/** Objects of whose place is known whether it answers. `changed` is told when that begins and when it ends. */
export const watchedObjects = (
  objects: S3Objects,
  { clock, changed }: { readonly clock: Pick<Clock, 'now'>; changed(trouble: Trouble | undefined): void },
): Watched => {
  let trouble: Trouble | undefined;

  const seen = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      const value = await answer;
      if (trouble !== undefined) changed((trouble = undefined));
      return value;
    } catch (error) {
      if (error instanceof ResultsError && error.code === 'RESULTS_UNREACHABLE') {
        const isNew = trouble === undefined;
        trouble = { since: trouble?.since ?? clock.now(), message: error.message };
        if (isNew) changed(trouble);
      }
      throw error;
    }
  };

  return {
    trouble: () => trouble,
    objects: {
      name: objects.name,
      put: (path, content, options) => seen(objects.put(path, content, options)),
      remove: (path, signal) => seen(objects.remove(path, signal)),
      get: (path, from) => seen(objects.get(path, from)),
      metadata: (path) => seen(objects.metadata(path)),
      stored: (path) => seen(objects.stored(path)),
      copy: (from, to) => seen(objects.copy(from, to)),
      list: (start) => seen(objects.list(start)),
      close: () => objects.close(),
    },
  };
};
