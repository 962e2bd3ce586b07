/** Where things lie in the container of a pipeline. */
export const pipelineDirectory = '/pipeline';
export const outputDirectory = '/pipeline/output';
export const cacheDirectory = '/pipeline/cache';
export const usualBasePath = '/pipeline/source';
export const reportDirectory = '/report';

/** Read-only mounts, which the first step copies. */
export const sourceMount = '/mnt/source';
export const cacheMount = '/mnt/cache';
export const mountOf = (id: string): string => `/mnt/${id}`;
export const rootOf = (id: string): string => `${pipelineDirectory}/${id}`;
export const reportOf = (id: string): string => `${reportDirectory}/${id}`;

export const functionsFile = '/mnt/wercker/functions.sh';

/** Names below `/pipeline` and `/mnt` that no step may take. */
export const takenNames: ReadonlySet<string> = new Set(['source', 'cache', 'output', 'report', 'wercker']);
