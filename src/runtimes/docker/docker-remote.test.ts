import { after, test } from 'node:test';
import { runtimeContract } from '../runtime.contract.ts';
import { dockerSubject } from './testing/contract-subject.ts';
import { type SecondEngine, whyNoSecondEngine, withSecondEngine } from './testing/second-engine.ts';

/** The same over TCP, with an engine that shares no file with this process. */
const reason = whyNoSecondEngine();
const over = Promise.withResolvers<void>();
let running: Promise<void> | undefined;

const begin = (): Promise<SecondEngine> =>
  new Promise((resolve, reject) => {
    running = withSecondEngine({ listen: 'tcp' }, async (engine) => {
      await engine.load('busybox:latest');
      resolve(engine);
      await over.promise;
    });
    running.catch(reject);
  });

if (reason !== undefined) test('a Docker Engine over TCP keeps the contract', { skip: reason });
else {
  runtimeContract(
    async () => {
      const { endpoint, env } = await begin();
      return dockerSubject(endpoint, env);
    },
    { 'a steady load': 'the first engine has shown it' },
  );
  after(async () => {
    over.resolve();
    await running;
  });
}
