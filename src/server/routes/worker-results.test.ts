import { inProcessAgent } from '../../api/in-process-agent.ts';
import { workerClient } from '../../api/worker-client.ts';
import type { WorkerBytes } from '../../api/worker-bytes.ts';
import type { Results } from '../../results/results.ts';
import { type ResultsUnderTest, resultsContract } from '../../results/results.contract.ts';
import { testServer } from '../testing/test-server.ts';

/** Every attempt is leased to the worker; each call goes with the lease of the attempt that it is about. */
const overLeases = (bytes: WorkerBytes): Results => {
  const newest = new Map<string, number>();
  const of = (run: string, stage: string, attempt = newest.get(`${run}/${stage}`) ?? 1): Results => {
    const known = newest.get(`${run}/${stage}`) ?? 1;
    return bytes({ item: `${run}/${stage}/${Math.max(attempt, known)}`, token: 1 }).results;
  };
  return {
    name: 'leases',
    begin: (key, startedAt) => {
      const name = `${key.run}/${key.stage}`;
      newest.set(name, Math.max(newest.get(name) ?? 1, key.attempt));
      return bytes({ item: `${name}/${key.attempt}`, token: 1 }).results.begin(key, startedAt);
    },
    putArtifacts: (key, tar) => of(key.run, key.stage, key.attempt).putArtifacts(key, tar),
    finish: (key, summary) => bytes({ item: `${key.run}/${key.stage}/${key.attempt}`, token: 1 }).results.finish(key, summary),
    readLog: (key, options) => of(key.run, key.stage, key.attempt).readLog(key, options),
    open: (run, name) => of(run, /^([^/]+?)(\.steps|\.done)?(@\d+)?\.(json|log|zip)$/.exec(name)?.[1] ?? 'build').open(run, name),
  };
};

const everyLease = { held: async () => true };

resultsContract('a worker over a socket', async (): Promise<ResultsUnderTest> => {
  const server = await testServer({ leases: everyLease });
  const { bytes } = workerClient({ url: server.url, token: 'worker:one' });
  return { results: overLeases(bytes), another: () => overLeases(bytes), close: server.close };
});

resultsContract('a worker in the process of the server', async (): Promise<ResultsUnderTest> => {
  const server = await testServer({ leases: everyLease });
  const agent = inProcessAgent(server.app.server);
  const { bytes } = workerClient({ url: 'http://server', token: 'worker:one', agent });
  return {
    results: overLeases(bytes),
    another: () => overLeases(bytes),
    close: async () => {
      agent.destroy();
      await server.close();
    },
  };
});
