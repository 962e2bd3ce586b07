import { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { systemClock } from '../../lib/clock.ts';
import { s3Client, type S3Connection, usualSilentMs } from './s3-client.ts';
import { isMissing, s3Error } from './s3-error.ts';
import { placeText, type S3Place } from './s3-place.ts';

/** Objects by their path below the place's prefix. All of them are private: no access is granted to anybody else (R-DCK-103). */
export type S3Objects = {
  readonly name: string;
  /** Whole or not at all; large ones in parts. What is read of `content` before a failure is lost. `onProgress`: some of it is there. */
  put(path: string, content: Uint8Array | Readable, options?: PutOptions): Promise<void>;
  remove(path: string, signal?: AbortSignal): Promise<void>;
  get(path: string, from?: number): Promise<Readable | undefined>;
  /** The metadata of an object; `undefined` when there is none. */
  metadata(path: string): Promise<Readonly<Record<string, string>> | undefined>;
  /** The object of that path. */
  stored(path: string): Promise<{ readonly bytes: number; readonly at: number } | undefined>;
  /** Within the place, whole or not at all, at most 5 GiB; onto itself makes it new. Rejects when there is none. */
  copy(from: string, to: string): Promise<void>;
  /** In the order of their paths; `at`: when it was put there, epoch ms. */
  list(start: string): Promise<readonly StoredObject[]>;
  close(): Promise<void>;
};

export type StoredObject = { readonly path: string; readonly bytes: number; readonly at: number };

export type PutOptions = {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly onProgress?: () => void;
};

/** Parts that are in memory at once, and how large they are: S3 takes 10,000 of an object. */
const partsAtOnce = 2;
const partBytes = 8 * 1024 * 1024;

const types: Readonly<Record<string, string>> = {
  json: 'application/json',
  log: 'text/plain; charset=utf-8',
  zip: 'application/zip',
};

const typeOf = (path: string): string | undefined => types[path.slice(path.lastIndexOf('.') + 1)];

export const s3Objects = (place: S3Place, connection: S3Connection): S3Objects => {
  const name = placeText(place);
  let connecting: Promise<S3Client> | undefined;
  const client = (): Promise<S3Client> => {
    connecting ??= s3Client(connection);
    return connecting;
  };
  const at = (path: string) => ({ Bucket: place.bucket, Key: place.prefix + path });
  const unwritable = (error: unknown) => s3Error(name, error, 'RESULTS_UNWRITABLE');
  const unreadable = (error: unknown) => s3Error(name, error, 'RESULTS_UNREADABLE');

  return {
    name,

    put: async (path, content, { metadata, signal, onProgress } = {}) => {
      const type = typeOf(path);
      try {
        const upload = new Upload({
          client: await client(),
          queueSize: partsAtOnce,
          partSize: partBytes,
          params: {
            ...at(path),
            Body: content,
            ...(type === undefined ? {} : { ContentType: type }),
            ...(metadata === undefined ? {} : { Metadata: { ...metadata } }),
          },
        });
        if (onProgress !== undefined) upload.on('httpUploadProgress', onProgress);
        const abort = (): void => void upload.abort();
        signal?.throwIfAborted();
        signal?.addEventListener('abort', abort, { once: true });
        await upload.done().finally(() => signal?.removeEventListener('abort', abort));
      } catch (error) {
        throw unwritable(error);
      } finally {
        if (content instanceof Readable) content.destroy();
      }
    },

    remove: async (path, signal) => {
      try {
        await (await client()).send(new DeleteObjectCommand(at(path)), signal === undefined ? {} : { abortSignal: signal });
      } catch (error) {
        if (!isMissing(error)) throw unwritable(error);
      }
    },

    get: async (path, from = 0) => {
      try {
        const range = from === 0 ? {} : { Range: `bytes=${from}-` };
        const { Body: body } = await (await client()).send(new GetObjectCommand({ ...at(path), ...range }));
        return body instanceof Readable
          ? Readable.from(readable(body, connection.silentMs ?? usualSilentMs, unreadable), { objectMode: false })
          : undefined;
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw unreadable(error);
      }
    },

    metadata: async (path) => {
      try {
        return (await (await client()).send(new HeadObjectCommand(at(path)))).Metadata ?? {};
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw unreadable(error);
      }
    },

    stored: async (path) => {
      try {
        const { ContentLength: bytes = 0, LastModified: time } = await (await client()).send(new HeadObjectCommand(at(path)));
        return { bytes, at: time?.getTime() ?? 0 };
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw unreadable(error);
      }
    },

    copy: async (from, to) => {
      const type = typeOf(to);
      try {
        await (await client()).send(
          new CopyObjectCommand({
            ...at(to),
            CopySource: [place.bucket, ...(place.prefix + from).split('/')].map(encodeURIComponent).join('/'),
            MetadataDirective: 'REPLACE',
            ...(type === undefined ? {} : { ContentType: type }),
          }),
        );
      } catch (error) {
        throw unwritable(error);
      }
    },

    list: async (start) => {
      const found: StoredObject[] = [];
      try {
        for (let next: string | undefined = ''; next !== undefined; ) {
          const more: { ContinuationToken?: string } = next === '' ? {} : { ContinuationToken: next };
          const page = await (await client()).send(
            new ListObjectsV2Command({ Bucket: place.bucket, Prefix: place.prefix + start, ...more }),
          );
          for (const { Key = '', Size = 0, LastModified: at } of page.Contents ?? []) {
            found.push({ path: Key.slice(place.prefix.length), bytes: Size, at: at?.getTime() ?? 0 });
          }
          next = page.NextContinuationToken;
        }
        return found;
      } catch (error) {
        throw unreadable(error);
      }
    },

    close: async () => (await connecting?.catch(() => undefined))?.destroy(),
  };
};

/** A place that begins to answer and then says nothing for so long is one that does not answer. */
const readable = async function* (body: Readable, silentMs: number, failure: (error: unknown) => Error): AsyncGenerator<Uint8Array> {
  const silent = Object.assign(new Error(`nothing came for ${silentMs} ms`), { code: 'ETIMEDOUT' });
  const watch = () => systemClock.after(silentMs, () => body.destroy(silent));
  let stop = watch();
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      stop();
      yield chunk;
      stop = watch();
    }
  } catch (error) {
    throw failure(error);
  } finally {
    stop();
  }
};
