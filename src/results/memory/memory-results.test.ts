import { resultsContract } from '../results.contract.ts';
import { memoryResults } from './memory-results.ts';

resultsContract('memory', async () => {
  const results = memoryResults();
  return { results, another: () => results, close: async () => {} };
});
