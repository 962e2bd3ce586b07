import type { Limits } from '../plan/plan.ts';
import { mapping, optional } from './mapping.ts';
import { memorySize } from './memory-size.ts';
import { decimalNumber, wholeNumber } from './numbers.ts';
import { mapped, type Shape } from './shape.ts';

export const limits: Shape<Limits> = mapped(
  mapping({
    cpus: optional(decimalNumber(0.01, 1024), 'How many processors it may use, as in 1.5.'),
    memory: optional(memorySize, 'How much memory it may use, as in 512m or 2g.'),
    pids: optional(wholeNumber(1, 4_194_304), 'How many processes it may have at once.'),
  }),
  ({ cpus, memory, pids }) => ({
    ...(cpus === undefined ? {} : { cpus }),
    ...(memory === undefined ? {} : { memoryBytes: memory }),
    ...(pids === undefined ? {} : { pids }),
  }),
);
