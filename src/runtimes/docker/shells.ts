import { RuntimeError } from '../runtime-error.ts';
import type { ContainerRecord, Created } from './api.ts';
import type { Attachment, Engine } from './engine/engine.ts';
import { exitOfExec } from './exec-exit.ts';
import { asRuntimeError, unlessGone } from './failures.ts';
import { label } from './labels.ts';
import { makeStageNetwork } from './stage-network.ts';

export type ShellCommand = {
  /** Absent: an interactive shell, bash where there is one. */
  readonly argv?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Absent: the container's own. */
  readonly workdir?: string;
  readonly user?: string;
  /** With a terminal: its output is one stream. */
  readonly tty: boolean;
};

export type OpenShell = Pick<Attachment, 'output' | 'stdin'> & {
  resize(columns: number, rows: number): Promise<void>;
  /** When its output has ended. */
  exitCode(): Promise<number>;
  /** Cuts the connection; a container that was made for it goes with it. */
  close(): Promise<void>;
};

/** Shells for people, beside what runs: nothing of a stage is changed by how they are made. */
export const dockerShells = ({ engine, namespace = 'cion' }: { readonly engine: Engine; readonly namespace?: string }) => {
  const open = async (container: string, command: ShellCommand, signal: AbortSignal): Promise<OpenShell> => {
    const { env, workdir, user, tty, argv } = command;
    const body = {
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: tty,
      Cmd: argv ?? ['sh', '-c', 'command -v bash >/dev/null 2>&1 && exec bash; exec sh'],
      Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      ...(workdir === undefined ? {} : { WorkingDir: workdir }),
      ...(user === undefined ? {} : { User: user }),
    };
    const { Id } = await engine.json<Created>('POST', `/containers/${container}/exec`, { body, signal });
    const attachment = await engine.attach(`/exec/${Id}/start`, { body: { Detach: false, Tty: tty }, tty, signal });
    return {
      output: attachment.output,
      stdin: attachment.stdin,
      resize: async (columns, rows) => {
        await unlessGone(engine.json('POST', `/exec/${Id}/resize`, { query: { w: columns, h: rows } }));
      },
      exitCode: () => exitOfExec(engine, Id),
      close: async () => attachment.close(),
    };
  };

  const translated = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw asRuntimeError(error, 'no shell can be opened', 'CONTAINER_START_FAILED');
    }
  };

  return {
    /** In a container that runs; `undefined` when it does not. */
    inside: (container: string, command: ShellCommand, signal: AbortSignal): Promise<OpenShell | undefined> =>
      translated(async () => {
        const record = await unlessGone(engine.json<ContainerRecord>('GET', `/containers/${container}/json`, { signal }));
        return record?.State.Running === true ? open(record.Id, command, signal) : undefined;
      }),

    /** In a container of its own; `undefined` when the image is gone. */
    ofImage: (image: string, command: ShellCommand, signal: AbortSignal): Promise<OpenShell | undefined> =>
      translated(async () => {
        if ((await unlessGone(engine.json('GET', `/images/${image}/json`, { signal }).then(() => true))) === undefined) return undefined;
        const body = {
          Image: image,
          Entrypoint: ['sh', '-c', 'read _'],
          Cmd: [],
          Labels: { [label.namespace]: namespace, [label.role]: 'shell' },
          OpenStdin: true,
          StdinOnce: true,
          AttachStdin: true,
          Healthcheck: { Test: ['NONE'] },
          HostConfig: { NetworkMode: await makeStageNetwork(engine, namespace).ensure(), AutoRemove: true, LogConfig: { Type: 'none' } },
        };
        const { Id } = await engine.json<Created>('POST', '/containers/create', { body, signal });
        const remove = () => unlessGone(engine.json('DELETE', `/containers/${Id}`, { query: { force: true, v: true } }));
        try {
          // It lives as long as its stdin is held: it ends with this process, however that ends.
          const alive = await engine.attach(`/containers/${Id}/attach`, { query: { stream: true, stdin: true } });
          await engine.json('POST', `/containers/${Id}/start`, { signal });
          const shell = await open(Id, command, signal);
          const close = async (): Promise<void> => {
            await shell.close();
            alive.close();
            await removedOrGoing(remove());
          };
          return { ...shell, close };
        } catch (error) {
          await removedOrGoing(remove());
          throw error;
        }
      }),
  };
};

/** The engine may be removing it at this moment. */
const removedOrGoing = async (removal: Promise<unknown>): Promise<void> => {
  try {
    await removal;
  } catch (error) {
    if (!(error instanceof Error) || !/removal of container .* is already in progress/i.test(error.message)) {
      if (error instanceof RuntimeError) throw error;
      throw asRuntimeError(error, 'the container of the shell cannot be removed');
    }
  }
};
