import { posix } from 'node:path';
import { type Import, importsOf } from './imports.ts';

/** The modules below `src/` by their path in it, with what each imports. */
export type Tree = ReadonlyMap<string, readonly Import[]>;

export const treeOf = (texts: ReadonlyMap<string, string>): Tree => new Map(Array.from(texts, ([path, text]) => [path, importsOf(text)]));

export const isRelative = (specifier: string): boolean => specifier.startsWith('.');

export const target = (from: string, specifier: string): string => posix.join(posix.dirname(from), specifier);

/** Tests, contract suites and what they are made with. */
export const isForTests = (path: string): boolean => /\.(?:test|contract)\.ts$|(?:^|\/)testing\//.test(path);
