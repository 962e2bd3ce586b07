import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import type { Engine } from './engine/engine.ts';
import { isRefusal, unlessGone } from './failures.ts';
import { label } from './labels.ts';
import { pauseProgram } from './pause-program.ts';

/**
 * Our own image, made here so that nothing need be pulled: one static program. Without an argument it waits for ever and keeps a network
 * namespace alive; with the one of `probeArgument` it tries a TCP port every 20 ms until it is accepted, and exits with 0. A fresh volume
 * that is mounted at its `volumeRoot` becomes one that any user may write to.
 */
export const makePauseImage = (engine: Engine, namespace: string, repository: string) => {
  const reference = `${repository}:${version}`;
  let made: Promise<string> | undefined;

  const make = async (): Promise<string> => {
    try {
      await engine.json('GET', `/images/${reference}/json`);
      return reference;
    } catch (error) {
      if (!isRefusal(error, 404)) throw error;
    }
    const { Arch } = await engine.json<{ readonly Arch: string }>('GET', '/version');
    const query = {
      fromSrc: '-',
      repo: repository,
      tag: version,
      changes: ['ENTRYPOINT ["/pause"]', `LABEL ${label.namespace}=${namespace}`],
    };
    for await (const _ of engine.progress('POST', '/images/create', { query, body: imageOf('pause', pauseProgram(Arch), volumeRoot) }));
    return reference;
  };

  return {
    /** Its reference, when it is there. */
    ensure: (): Promise<string> => {
      made ??= make().catch((error: unknown) => {
        made = undefined;
        throw error;
      });
      return made;
    },
    forget: () => {
      made = undefined;
    },
    /** How many were removed; none while a container needs it. */
    removeUnused: async (signal: AbortSignal): Promise<number> => {
      made = undefined;
      try {
        return (await unlessGone(engine.json('DELETE', `/images/${reference}`, { signal }).then(() => 1))) ?? 0;
      } catch (error) {
        if (isRefusal(error, 409)) return 0;
        throw error;
      }
    },
  };
};

export type PauseImage = ReturnType<typeof makePauseImage>;

export const volumeRoot = '/volume';

/** As a checkout's: any user may write to it, and remove what another user wrote. An engine need not be asked to make it so. */
export const freshVolumeMode = 0o777;

/** When a volume's root says that it was last changed, and nobody has changed it: no tool that resets times chooses this one. */
export const freshVolumeTime = new Date('1987-03-21T04:05:06Z');

const version = '4';

/** A tar of one program, and perhaps a directory that is open to all, as an import takes it. */
export const imageOf = (name: string, program: Buffer, open?: string): Readable => {
  const tar = pack();
  tar.entry({ name, mode: 0o755 }, program);
  if (open !== undefined) tar.entry({ name: `${open.slice(1)}/`, type: 'directory', mode: freshVolumeMode, mtime: freshVolumeTime });
  tar.finalize();
  return Readable.from(tar, { objectMode: false });
};
