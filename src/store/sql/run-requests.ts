import { sql } from 'kysely';
import type { KeptRequest, RunRequests } from '../run-requests.ts';
import type { Database } from './database.ts';

export const sqlRunRequests = ({ sql: db }: Pick<Database, 'sql'>): RunRequests => ({
  put: async ({ project, once, request, at }) => {
    await sql`
      insert into run_request (project, once, request, at) values (${project}, ${once}, ${request}, ${at})
      on conflict do nothing`.execute(db);
  },
  begun: async (project, once, run) => {
    await sql`update run_request set run = ${run} where project = ${project} and once = ${once}`.execute(db);
  },
  keepSecretsFile: async (run, file) => {
    await sql`update run_request set secrets_file = ${Buffer.from(file)} where run = ${run}`.execute(db);
  },
  fetched: async (run) => {
    await sql`update run_request set pending = false where run = ${run}`.execute(db);
  },
  pending: async () => {
    const { rows } = await sql<Row>`select * from run_request where pending order by place`.execute(db);
    return rows.map(requestOf);
  },
  of: async (run) => {
    const { rows } = await sql<Row>`select * from run_request where run = ${run}`.execute(db);
    return rows.map(requestOf)[0];
  },
});

type Row = Pick<KeptRequest, 'project' | 'once' | 'request' | 'at'> & { readonly run: string | null; readonly secrets_file: Buffer | null };

const requestOf = ({ project, once, request, at, run, secrets_file }: Row): KeptRequest => ({
  project,
  once,
  request,
  at,
  ...(run === null ? {} : { run }),
  ...(secrets_file === null ? {} : { secretsFile: new Uint8Array(secrets_file) }),
});
