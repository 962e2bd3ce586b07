import type { Command } from '../plan/plan.ts';
import { blame, byKind, list, mapped, type Place, type Shape, text } from './shape.ts';

/** In place of the image's command (R-CIO-54): a text is a script for `sh -c`, a list are the arguments. */
export const cmd: Shape<Command> = byKind<Command>({
  scalar: { ...mapped(text, (script, place) => (script.trim() === '' ? nothingToRun(place) : { kind: 'shell', script })), what: text.what },
  list: mapped(list(text), (argv, place) => (argv.length === 0 ? nothingToRun(place) : { kind: 'arguments', argv })),
});

export const nothingToRun = (place: Place): undefined =>
  blame(place, { code: 'EMPTY_VALUE', message: `"${place.path}" is empty.`, hint: 'Write what to run, or leave the key out.' });
