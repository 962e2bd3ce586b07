import type { Command } from '../../plan/plan.ts';
import { blame, byKind, list, mapped, type Place, type Shape, text } from '../shape.ts';

/** In place of the image's command (R-CIO-54): a text is a script for `sh -c`, a list are the arguments. */
export const cmd: Shape<Command> = byKind<Command>({
  scalar: { ...mapped(text, (script, place) => (script.trim() === '' ? nothingToRun(place) : { kind: 'shell', script })), what: text.what },
  list: mapped(list(text), (argv, place) => (argv.length === 0 ? nothingToRun(place) : { kind: 'arguments', argv })),
});

/** Lines of a shell script that ends at the first one that fails. */
export const run: Shape<Command> = byKind<Command>({
  scalar: { ...mapped(text, (script, place) => scriptOf([script], place)), what: text.what },
  list: mapped(list(text), (lines, place) => scriptOf(lines, place)),
});

const scriptOf = (lines: readonly string[], place: Place): Command | undefined =>
  lines.every((line) => line.trim() === '') ? nothingToRun(place) : { kind: 'shell', script: ['set -e', ...lines].join('\n') };

const nothingToRun = (place: Place): undefined =>
  blame(place, { code: 'EMPTY_VALUE', message: `"${place.path}" is empty.`, hint: 'Write what to run, or leave the key out.' });
