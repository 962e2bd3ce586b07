import type { Command } from '../../plan/plan.ts';
import { nothingToRun } from '../command.ts';
import { byKind, list, mapped, type Place, type Shape, text } from '../shape.ts';

/** Lines of a shell script that ends at the first one that fails. */
export const run: Shape<Command> = byKind<Command>({
  scalar: { ...mapped(text, (script, place) => scriptOf([script], place)), what: text.what },
  list: mapped(list(text), (lines, place) => scriptOf(lines, place)),
});

const scriptOf = (lines: readonly string[], place: Place): Command | undefined =>
  lines.every((line) => line.trim() === '') ? nothingToRun(place) : { kind: 'shell', script: ['set -e', ...lines].join('\n') };
