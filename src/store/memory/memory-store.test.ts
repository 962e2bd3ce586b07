import { queueContract } from '../queue.contract.ts';
import { runStoreContract } from '../run-store.contract.ts';
import { memoryStore } from './memory-store.ts';

const make = async () => ({ fresh: async () => memoryStore(), close: async () => {} });

runStoreContract('memory', make);
queueContract('memory', make);
