import type { Sealer } from '../../secrets/sealer.ts';
import type { PutRequest } from '../../store/run-requests.ts';
import type { RunRequest } from './begin-run.ts';

type Place = Pick<PutRequest, 'project' | 'once'>;

/** A request as it is kept: its variables may be anything. */
export const sealRequest = (sealer: Pick<Sealer, 'seal'>, place: Place, request: RunRequest): string =>
  sealer.seal(JSON.stringify(request), contextOf(place));

/** Throws SealError. */
export const openRequest = (sealer: Pick<Sealer, 'open'>, kept: PutRequest): RunRequest =>
  JSON.parse(sealer.open(kept.sealed, contextOf(kept)).toString('utf8')) as RunRequest;

const contextOf = ({ project, once }: Place): string => `request/${project}/${once}`;
