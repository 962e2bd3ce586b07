import { apiClient } from '../../api/client.ts';
import type { Claimed, WorkerFact } from '../../api/worker-protocol.ts';
import type { StageSummary } from '../../results/results.ts';
import type { AppDeps } from '../app-deps.ts';
import { preparing, served, startedNow } from '../dispatch/testing/served.ts';
import { testProject, testServer } from './test-server.ts';

export const finishedSummary: StageSummary = { outcome: 'passed', startedAt: 1000, finishedAt: 2000, hasLog: true, hasArtifacts: false };

/** A test server over the real dispatcher, with `acme/app` that `account:ada` may do all with and `account:eve` may only see. */
export const runServer = async (given: Partial<AppDeps> = {}) => {
  const runs = served();
  await runs.start();
  const server = await testServer({
    dispatcher: runs.dispatcher,
    runs: runs.store.runs,
    queue: runs.store.queue,
    leases: runs.dispatcher,
    ...given,
  });
  for (const name of ['acme/app', 'acme/other']) {
    server.projects.set(name, testProject(name));
    server.guard.grant('ada', name, 'read', 'run', 'decide');
  }
  server.guard.grant('eve', 'acme/app', 'read');

  /** One attempt from its claim to its end, with a log. */
  const carry = async (claimed: Claimed, end: WorkerFact, log = ''): Promise<void> => {
    const { run, stage, attempt } = { run: claimed.work.run, stage: claimed.work.stage.name, attempt: claimed.work.attempt };
    const writer = await server.results.begin({ run, stage, attempt }, 1000);
    if (log !== '') await writer.append({ stream: 'stdout', bytes: Buffer.from(log), at: 1000 });
    await writer.close();
    await runs.tell(claimed, 1, [preparing(claimed), startedNow(claimed)]);
    await server.results.finish({ run, stage, attempt }, finishedSummary);
    await runs.tell(claimed, 2, [end]);
  };
  return {
    ...server,
    runs,
    carry,
    /** As somebody of test-guard.ts. */
    as: (token: string) => apiClient({ url: server.url, token }),
    close: async () => {
      await server.close();
      runs.end();
    },
  };
};

export type RunServer = Awaited<ReturnType<typeof runServer>>;
