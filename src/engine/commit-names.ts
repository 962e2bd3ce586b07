import type { Commit } from '../plan/plan.ts';

/** The names of an image as they are once its stage has ended. */
export const commitNames = (
  { names }: Commit,
  { run, number, passed }: { readonly run: string; readonly number: number; readonly passed: boolean },
): readonly string[] =>
  names.map((name) =>
    name
      .replaceAll('{run}', String(number))
      .replaceAll('{id}', run)
      .replaceAll('{outcome}', passed ? 'green' : 'red'),
  );
