import { projectsContract } from '../projects.contract.ts';
import { sqlProjects } from './projects.ts';
import { testDatabases } from './testing/databases.ts';

for (const { name, skip, make } of testDatabases) {
  projectsContract(name, skip, async () => {
    const made = await make();
    return { store: sqlProjects(made.database), clear: made.clear, close: made.close };
  });
}
