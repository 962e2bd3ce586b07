import type { Dialect } from '../dialects/dialect.ts';

/** The files that any of them would read, for people. */
export const filesOf = (dialects: readonly Dialect[]): string => dialects.map(({ reads }) => reads).join(' and no ');

/** What to do where there is none of them. */
export const howToBegin = (dialects: readonly Dialect[]): string =>
  dialects.some(({ name }) => name === 'cion')
    ? '"cion init" writes one that fits the project.'
    : 'The shortest is "hello: { img: busybox, run: echo hello }".';
