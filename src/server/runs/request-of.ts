import type { PutRequest } from '../../store/run-requests.ts';
import type { RunRequest } from './begin-run.ts';

/** What was kept of a request is what was asked for. */
export const requestOf = ({ request }: Pick<PutRequest, 'request'>): RunRequest => JSON.parse(request) as RunRequest;
