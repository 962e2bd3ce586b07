import { execFileSync } from 'node:child_process';

/** What cion has left with the engine under this namespace, by name; of its runs, or at all. */
export const leftovers = (namespace: string, of: 'runs' | 'all'): string =>
  [
    ['ps', '--all', '--format', '{{.Names}}'],
    ['volume', 'ls', '--format', '{{.Name}}'],
    ['network', 'ls', '--format', '{{.Name}}'],
    ['image', 'ls', '--format', '{{.Repository}}'],
  ]
    .map((args) => {
      const filters = [`label=cion.namespace=${namespace}`, ...(of === 'runs' ? ['label=cion.run'] : [])];
      return execFileSync('docker', [...args, ...filters.flatMap((filter) => ['--filter', filter])], { encoding: 'utf8' });
    })
    .join('');
