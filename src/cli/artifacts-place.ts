import type { Readable } from 'node:stream';
import type { RunState } from '../run/run-state.ts';
import type { StageArtifacts } from './printers/artifacts.ts';
import type { RunPlace } from './run-place.ts';

/** Where runs and what they left are. `zip`: of what one stage left; `undefined` when it is not there any more. */
export type ArtifactsPlace = { readonly runs: RunPlace; zip(state: RunState, one: StageArtifacts): Promise<Readable | undefined> };
