import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import type { ImageRecord } from './api.ts';
import type { Engine } from './engine/engine.ts';
import { label, type Labels } from './labels.ts';

export type ImageConfig = ImageRecord['Config'];

/** What an image is to be, besides its layers. `created`: ISO-8601. `names` are full, with their tags. */
export type Wanted = {
  readonly config: ImageConfig;
  readonly created: string;
  readonly names: readonly string[];
  readonly author?: string;
  readonly comment?: string;
};

/** Loads an image that has the layers of another, which the engine has already, and nothing else of it. */
export const loadSameLayers = async (engine: Engine, layered: ImageRecord, wanted: Wanted, signal: AbortSignal): Promise<void> => {
  const body = loadable(layered, wanted);
  for await (const _ of engine.progress('POST', '/images/load', { query: { quiet: true }, body, signal }));
};

export const withoutOurs = (labels: Labels | null): Labels => {
  const own = new Set<string>(Object.values(label));
  return Object.fromEntries(Object.entries(labels ?? {}).filter(([name]) => !own.has(name)));
};

const loadable = ({ Architecture, Variant, Os, RootFS }: ImageRecord, { config, created, names, author, comment }: Wanted): Readable => {
  const layers = RootFS.Layers ?? [];
  const last = layers.length - 1;
  const image = {
    architecture: Architecture,
    ...(Variant === undefined ? {} : { variant: Variant }),
    os: Os,
    created,
    ...(author === undefined ? {} : { author }),
    config,
    rootfs: { type: 'layers', diff_ids: layers },
    history: layers.map((_, index) => ({ created, created_by: 'cion', ...(comment !== undefined && index === last ? { comment } : {}) })),
  };
  const tar = pack();
  tar.entry({ name: 'config.json' }, JSON.stringify(image));
  const manifest = [{ Config: 'config.json', RepoTags: names, Layers: layers.map((_, index) => `${index}/layer.tar`) }];
  tar.entry({ name: 'manifest.json' }, JSON.stringify(manifest));
  tar.finalize();
  return Readable.from(tar, { objectMode: false });
};
