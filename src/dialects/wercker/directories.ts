import { runValue } from './filled.ts';

/** Where things lie in the container of a pipeline. */
export const pipelineDirectory = '/pipeline';
export const outputDirectory = '/pipeline/output';
export const cacheDirectory = '/pipeline/cache';
export const usualBasePath = '/pipeline/source';
export const reportDirectory = '/report';

/** Read-only mounts; the first step copies source and cache. */
export const mountDirectory = '/mnt/wercker';
export const sourceMount = '/mnt/wercker/source';
export const cacheMount = '/mnt/wercker/cache';
export const mountOf = (id: string): string => `${mountDirectory}/${id}`;
export const rootOf = (id: string): string => `${pipelineDirectory}/${id}`;
export const reportOf = (id: string): string => `${reportDirectory}/${id}`;

export const functionsFile = '/mnt/cion/functions.sh';

/** Links: the source is in `source` below the build's directory, and what is put into the other is output. */
export const buildDirectory = runValue('/tmp/build/', { is: 'build' });
export const outputLink = '/tmp/build_output';

/** Names below `/pipeline` and `/mnt/wercker` that no step may take. */
export const takenNames: ReadonlySet<string> = new Set(['source', 'cache', 'output', 'report', 'wercker']);
