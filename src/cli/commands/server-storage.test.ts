import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removalContract } from '../../results/removal.contract.ts';
import { onDisk } from './server-storage.ts';

removalContract('the disk of a server', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'cion-storage-'));
  return { ...onDisk(directory), close: async () => rmSync(directory, { recursive: true, force: true }) };
});
