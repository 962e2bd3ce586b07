import { assertNever } from '../../lib/assert-never.ts';
import type { Command } from '../../plan/plan.ts';
import { RuntimeError } from '../runtime-error.ts';
import type { Image } from './images.ts';
import { stepsDirectory } from './steps/conductor.ts';

/** The command as the engine's exec gets it; `marks` is what a conductor's marks are known by. */
export const argvOf = (command: Command, image: Pick<Image, 'entrypoint' | 'cmd'>, marks?: string): readonly string[] => {
  switch (command.kind) {
    case 'image':
      return [...image.entrypoint, ...image.cmd];
    case 'arguments':
      return [...image.entrypoint, ...command.argv];
    case 'shell':
      return ['sh', '-c', command.script];
    case 'steps':
      if (marks === undefined) throw new RuntimeError('UNSUPPORTED', 'a service cannot run steps');
      return ['/bin/sh', `${stepsDirectory}/conductor`, marks];
    default:
      return assertNever(command);
  }
};
