import type { OpenShell, ShellCommand } from '../../runtimes/docker/shells.ts';
import type { Context } from '../context.ts';
import type { CommandExit } from '../exit-codes.ts';
import { Refusal } from '../refusal.ts';
import { write } from '../write.ts';
import { openProject } from './open-project.ts';
import { clearEnvironment, findShellPlace } from './shell-place.ts';

/** A shell, or a command, in the state after a step; ends with its exit code. */
export const shell = async (context: Context, text: string, argv: readonly string[]): Promise<CommandExit> => {
  const { state, stage, attempt, step, image } = await findShellPlace(await openProject(context), text);
  const [{ dockerShells }, { connect }, { findEndpoint }] = await Promise.all([
    import('../../runtimes/docker/shells.ts'),
    import('../../runtimes/docker/engine/connect.ts'),
    import('../../runtimes/docker/engine/endpoint.ts'),
  ]);
  const engine = await connect(findEndpoint(context.env), AbortSignal.timeout(patienceMs));
  const over = new AbortController();
  try {
    const { CION_NAMESPACE: namespace } = context.env;
    const shells = dockerShells({ engine, ...(namespace ? { namespace } : {}) });
    const tty = context.stdin.isTTY && context.stdout.isTTY;
    const command: ShellCommand = {
      ...(argv.length === 0 ? {} : { argv }),
      env: { ...(tty ? { TERM: context.env.TERM || 'xterm' } : {}), ...clearEnvironment(stage) },
      ...(stage.workdir === undefined ? {} : { workdir: stage.workdir }),
      ...(stage.user === undefined ? {} : { user: stage.user }),
      tty,
    };
    const lives = step === undefined && attempt.phase === 'running' && attempt.container !== undefined;
    const opened =
      (lives ? await shells.inside(attempt.container ?? '', command, over.signal) : undefined) ??
      (image === undefined ? undefined : await shells.ofImage(image, command, over.signal));
    if (opened === undefined) {
      const after = step === undefined ? `"${stage.name}"` : `the step "${step}" of "${stage.name}"`;
      const why = image === undefined ? 'no image was kept of it' : 'the image of it was removed';
      throw new Refusal(
        'NO_STATE',
        `There is no state after ${after} in run ${state.number}: ${why}.`,
        'Run it again with --commit-steps, which keeps an image after each step.',
      );
    }
    try {
      return { ofCommand: await carried(context, opened, tty) };
    } finally {
      await opened.close();
    }
  } finally {
    over.abort();
    await engine.close();
  }
};

const patienceMs = 60_000;

/** Everything typed goes in, everything said comes out, until the command has ended. */
const carried = async ({ stdin, stdout, stderr }: Context, opened: OpenShell, tty: boolean): Promise<number> => {
  let isOver = false;
  const goOn = (): void => {
    if (!isOver) stdin.resume();
  };
  const onData = (bytes: Buffer): void => {
    stdin.pause();
    opened.stdin.write(bytes).then(goOn, () => undefined);
  };
  const onEnd = (): void => opened.stdin.end();
  const onResize = (): void => void opened.resize(stdout.columns, stdout.rows).catch(() => undefined);
  stdin.on('data', onData).on('end', onEnd).on('error', onEnd);
  if (tty) {
    stdin.setRawMode(true);
    stdout.on('resize', onResize);
    onResize();
  }
  try {
    for await (const { stream, bytes } of opened.output) await write(stream === 'stdout' ? stdout : stderr, bytes);
    return await opened.exitCode();
  } finally {
    isOver = true;
    stdin.off('data', onData).off('end', onEnd).off('error', onEnd);
    if (tty) {
      stdout.off('resize', onResize);
      stdin.setRawMode(false);
    }
    stdin.pause();
  }
};
