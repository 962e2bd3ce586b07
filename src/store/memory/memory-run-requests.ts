import type { KeptRequest, RunRequests } from '../run-requests.ts';

type Row = { readonly kept: KeptRequest; readonly isPending: boolean };

export const memoryRunRequests = (): RunRequests => {
  let rows: readonly Row[] = [];
  const change = (isIt: (kept: KeptRequest) => boolean, what: Partial<KeptRequest>, isPending?: false): void => {
    rows = rows.map((row) => (isIt(row.kept) ? { kept: { ...row.kept, ...what }, isPending: isPending ?? row.isPending } : row));
  };
  return {
    put: async (request) => {
      const isThere = rows.some(({ kept: { project, once } }) => project === request.project && once === request.once);
      if (!isThere) rows = [...rows, { kept: request, isPending: true }];
    },
    begun: async (project, once, run) => change((kept) => kept.project === project && kept.once === once, { run }),
    keepSecretsFile: async (run, secretsFile) => change((kept) => kept.run === run, { secretsFile }),
    fetched: async (run) => change((kept) => kept.run === run, {}, false),
    pending: async () => rows.filter(({ isPending }) => isPending).map(({ kept }) => kept),
    of: async (run) => rows.find(({ kept }) => kept.run === run)?.kept,
  };
};
