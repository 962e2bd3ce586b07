import type { Created } from '../api.ts';
import { exitOfExec } from '../exec-exit.ts';
import { type Internal, type InternalContext, type Performed, say } from './context.ts';
import type { Options } from './options.ts';
import { StepFailure } from './step-failure.ts';

/** Runs its code in the box until that ends, or the run is cancelled: what ends the box ends it too. */
export const watch = async (step: Internal, options: Options, context: InternalContext): Promise<Performed> => {
  const code = step.action.options['code'] ?? '';
  if (code.trim() === '') throw new StepFailure('the option "code" is missing or empty: there is nothing to run');
  const { parts, container, env, signal } = context;
  const { engine } = parts;
  if (options.flag('reload')) await say(context, 'cion: a run does not reload; `cion dev` watches the files and runs again');
  const body = {
    AttachStdout: true,
    AttachStderr: true,
    Cmd: ['/bin/sh', '-c', 'command -v bash >/dev/null 2>&1 && exec bash -c "$1"; exec sh -c "$1"', 'sh', code],
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    ...(env['PWD'] === undefined ? {} : { WorkingDir: env['PWD'] }),
  };
  const { Id } = await engine.json<Created>('POST', `/containers/${container.id}/exec`, { body, signal });
  const attachment = await engine.attach(`/exec/${Id}/start`, { body: { Detach: false, Tty: false }, signal });
  try {
    for await (const { stream, bytes } of attachment.output) await context.write(stream, bytes);
  } finally {
    attachment.close();
  }
  const ended = await exitOfExec(engine, Id);
  signal.throwIfAborted();
  return ended === 0 ? { code: 0 } : { code: ended, message: `the code ended with exit code ${ended}` };
};
