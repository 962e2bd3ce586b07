import { assertNever } from '../../../lib/assert-never.ts';
import { RuntimeError } from '../../runtime-error.ts';
import { asRuntimeError } from '../failures.ts';
import { build } from './build.ts';
import type { Internal, InternalContext, Performed } from './context.ts';
import { type Options, optionsOf } from './options.ts';
import { push } from './push.ts';
import { kill, run } from './run.ts';
import { scratchPush } from './scratch-push.ts';
import { shell } from './shell.ts';
import { StepFailure } from './step-failure.ts';
import { storeContainer } from './store-container.ts';
import { watch } from './watch.ts';

export type { InternalContext, Performed } from './context.ts';

/**
 * What the engine's side does in place of a step's script, between two steps of the box. May be called again for a step whose end nobody
 * was told. A no of the engine, of a registry or of the options is a step that failed, with its reason in the log and the message; rejects
 * when the engine is lost or full, and with the signal's reason.
 */
export const performInternal = async (step: Internal, context: InternalContext): Promise<Performed> => {
  context.signal.throwIfAborted();
  try {
    return await perform(step, optionsOf(step.action.options, context.env), context);
  } catch (error) {
    context.signal.throwIfAborted();
    const message = messageOf(error);
    await context.write('stderr', Buffer.from(`${message}\n`));
    return { code: 1, message };
  }
};

const perform = (step: Internal, options: Options, context: InternalContext): Promise<Performed> => {
  switch (step.action.what) {
    case 'push':
      return push(step, options, context);
    case 'scratch-push':
      return scratchPush(step, options, context);
    case 'build':
      return build(step, options, context);
    case 'run':
      return run(step, options, context);
    case 'kill':
      return kill(step, options, context);
    case 'store-container':
      return storeContainer(step, options, context);
    case 'shell':
      return shell(step, options, context);
    case 'watch':
      return watch(step, options, context);
    default:
      return assertNever(step.action.what);
  }
};

/** Of what is the step's fault, or that of what it asked for; what is not is thrown again. */
const messageOf = (error: unknown): string => {
  if (error instanceof StepFailure) return error.message;
  const translated = asRuntimeError(error, 'the engine refuses');
  if (!(translated instanceof RuntimeError) || platform.has(translated.code)) throw translated;
  return translated.message;
};

const platform: ReadonlySet<string> = new Set(['ENGINE_UNREACHABLE', 'ENGINE_LOST', 'NO_SPACE']);
