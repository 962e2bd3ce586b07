import { deliveriesContract } from '../deliveries.contract.ts';
import { defaultSettings } from '../projects.ts';
import { sqlDeliveries } from './deliveries.ts';
import { sqlProjects } from './projects.ts';
import { testDatabases } from './testing/databases.ts';

const bare = (name: string) => ({
  name,
  cloneUrl: '',
  defaultBranch: 'main',
  visibility: 'public' as const,
  webhookSecret: '',
  settings: defaultSettings,
  createdAt: 0,
});

for (const { name, skip, make } of testDatabases) {
  deliveriesContract(name, skip, async () => {
    const made = await make();
    const projects = sqlProjects(made.database);
    return {
      store: sqlDeliveries(made.database),
      close: made.close,
      clear: async (names) => {
        await made.clear();
        for (const one of names) await projects.add(bare(one));
      },
    };
  });
}
