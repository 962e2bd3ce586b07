import { cionDialect } from './cion/cion.ts';
import { dockerciseDialect } from './dockercise/dockercise.ts';
import { werckerDialect } from './wercker/wercker.ts';
import type { Dialect } from './dialect.ts';

/** All that can be read, in the order in which a project is asked for them. */
export const dialects: readonly Dialect[] = [cionDialect, dockerciseDialect, werckerDialect];
