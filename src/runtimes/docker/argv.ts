import { assertNever } from '../../lib/assert-never.ts';
import type { Command } from '../../plan/plan.ts';
import { RuntimeError } from '../runtime-error.ts';
import type { Image } from './images.ts';

/** The command as the engine's exec gets it. */
export const argvOf = (command: Command, image: Pick<Image, 'entrypoint' | 'cmd'>): readonly string[] => {
  switch (command.kind) {
    case 'image':
      return [...image.entrypoint, ...image.cmd];
    case 'arguments':
      return [...image.entrypoint, ...command.argv];
    case 'shell':
      return ['sh', '-c', command.script];
    case 'steps':
      throw new RuntimeError('UNSUPPORTED', 'stages of several steps cannot be run yet');
    default:
      return assertNever(command);
  }
};
