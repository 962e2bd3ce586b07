import type { ContainerRecord, Created, ImageRecord } from '../api.ts';
import { unlessGone } from '../failures.ts';
import { type ImageConfig, withoutOurs } from '../same-layers.ts';
import type { InternalContext } from './context.ts';

export const boxOf = ({ parts, container, signal }: InternalContext): Promise<ContainerRecord> =>
  parts.engine.json<ContainerRecord>('GET', `/containers/${container.id}/json`, { signal });

/** The configuration of the image that the box was made of: nothing of its wrapper, its environment and its labels is in it. */
export const configOfBox = async (context: InternalContext): Promise<ImageConfig> => {
  const { Image } = await boxOf(context);
  return ownConfig(await imageRecord(context, Image));
};

export const ownConfig = ({ Config }: ImageRecord): ImageConfig => ({ ...Config, Labels: withoutOurs(Config.Labels) });

export const imageRecord = ({ parts, signal }: InternalContext, image: string): Promise<ImageRecord> =>
  parts.engine.json<ImageRecord>('GET', `/images/${image}/json`, { signal });

/** The file system of the box as it is at this moment, as an image that is gone afterwards. What is mounted is not in it. */
export const withBoxCommitted = async <T>(context: InternalContext, use: (image: ImageRecord) => Promise<T>): Promise<T> => {
  const { engine } = context.parts;
  const { Id, Config } = await boxOf(context);
  const query = { container: Id, pause: false };
  const body = { Labels: Config.Labels ?? {} };
  const { Id: raw } = await engine.json<Created>('POST', '/commit', { query, body, signal: context.signal });
  try {
    return await use(await imageRecord(context, raw));
  } finally {
    await unlessGone(engine.json('DELETE', `/images/${raw}`, { query: { force: true, noprune: true } }));
  }
};
