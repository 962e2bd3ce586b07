import { execFileSync, spawnSync } from 'node:child_process';
import { withLock } from '../scripts/setup/lock.mjs';

export const idOf = (image: string): string | undefined => {
  const { status, stdout } = spawnSync('docker', ['image', 'inspect', '--format', '{{.Id}}', image], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
};

/**
 * Works while images have the names on the left. Only one process at a time may give such names; what had them before has them again
 * afterwards.
 */
export const underNames = (images: Readonly<Record<string, string>>, work: () => Promise<void>): Promise<void> =>
  withLock(
    'cion-e2e-seed-images',
    () => undefined,
    async () => {
      const before = Object.keys(images).map((name) => [name, idOf(name)] as const);
      for (const [name, image] of Object.entries(images)) execFileSync('docker', ['tag', image, name]);
      try {
        await work();
      } finally {
        for (const [name, id] of before) execFileSync('docker', id === undefined ? ['rmi', name] : ['tag', id, name], { stdio: 'ignore' });
      }
    },
  );
