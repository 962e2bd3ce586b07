import { runRequestsContract } from '../run-requests.contract.ts';
import type { RunRequests } from '../run-requests.ts';
import { secretsContract } from '../secrets.contract.ts';
import type { SecretStore } from '../secrets.ts';
import { memoryRunRequests } from './memory-run-requests.ts';
import { memorySecrets } from './memory-secrets.ts';

/** A store that is made anew when it is emptied. */
const renewed = <T extends object>(make: () => T) => {
  const now = { store: make() };
  const store = new Proxy(now.store, { get: (_target, name) => now.store[name as keyof T] });
  return {
    store,
    clear: async () => {
      now.store = make();
    },
    close: async () => undefined,
  };
};

secretsContract('in memory', false, async () => renewed<SecretStore>(memorySecrets));
runRequestsContract('in memory', false, async () => renewed<RunRequests>(memoryRunRequests));
