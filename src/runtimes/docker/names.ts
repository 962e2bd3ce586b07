import { createHash } from 'node:crypto';
import type { Item } from '../runtime.ts';

/** Names of things, derived from what they are for; a dot stands only where one is derived from another. */
export const makeNames = (namespace: string) => ({
  container: (item: Item): string => attempt(namespace, item.run, item.stage.name, item.attempt),
  service: (item: Item, service: string): string => `${attempt(namespace, item.run, item.stage.name, item.attempt)}.${plain(service)}`,
  networkOf: (item: Item): string => `${attempt(namespace, item.run, item.stage.name, item.attempt)}.net`,
  volume: (run: string, volume: string): string => `${namespace}-${plain(run)}-${plain(volume)}`,
  copy: (item: Item, volume: string): string => `${attempt(namespace, item.run, item.stage.name, item.attempt)}.${plain(volume)}`,
  files: (run: string, volume: string): string => `${namespace}-${plain(run)}-${plain(volume)}.files`,
  cache: (project: string, key: string): string => `${namespace}-cache-${plain(project)}-${plain(key)}`,
  pauseImage: `${namespace}/pause`,
});

export type Names = ReturnType<typeof makeNames>;

const attempt = (namespace: string, run: string, stage: string, number: number): string =>
  `${namespace}-${plain(run)}-${plain(stage)}-${number}`;

/** Itself where the engine takes it as part of a name, else what is left of it and a hash of it. */
export const plain = (text: string): string => {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}$/.test(text)) return text;
  const left = text
    .normalize('NFKD')
    .replace(/[^a-zA-Z0-9_]+/g, '-')
    .replace(/^[-_]+|[-_]+$/g, '')
    .slice(0, 40);
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 10);
  return left === '' ? hash : `${left}-${hash}`;
};
