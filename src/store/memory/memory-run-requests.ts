import type { KeptRequest, RunRequests } from '../run-requests.ts';

type Row = KeptRequest & { readonly isPending: boolean };

export const memoryRunRequests = (): RunRequests => {
  let rows: readonly Row[] = [];
  const change = (isIt: (row: Row) => boolean, what: Partial<Row>): void => {
    rows = rows.map((row) => (isIt(row) ? { ...row, ...what } : row));
  };
  const kept = ({ isPending: _, ...request }: Row): KeptRequest => request;
  return {
    put: async (request) => {
      const isThere = rows.some(({ project, once }) => project === request.project && once === request.once);
      if (!isThere) rows = [...rows, { ...request, isPending: true }];
    },
    begun: async (project, once, run) => change((row) => row.project === project && row.once === once, { run }),
    keepSecretsFile: async (run, secretsFile) => change((row) => row.run === run, { secretsFile }),
    fetched: async (run) => change((row) => row.run === run, { isPending: false }),
    pending: async () =>
      rows
        .filter(({ isPending }) => isPending)
        .toSorted((a, b) => a.at - b.at)
        .map(kept),
    of: async (run) => rows.filter((row) => row.run === run).map(kept)[0],
  };
};
