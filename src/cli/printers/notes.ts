import type { NodeState, RunState } from '../../run/run-state.ts';
import { lastAttempt } from './attempt-times.ts';
import type { Look } from './look.ts';
import { type Cell, table } from './table.ts';
import { visible } from './visible.ts';
import { sentence } from './words.ts';

/** What was noted of a stage in its newest attempt, as sentences. */
export const notesOf = (node: NodeState | undefined): readonly string[] =>
  node?.kind === 'stage' ? noteSentences(lastAttempt(node)?.notes) : [];

export const noteSentences = (notes: readonly string[] = []): readonly string[] =>
  notes.map((text) => `${sentence(visible(text)).replace(/\.$/, '')}.`);

/** A line for each note of a stage, of attempts that were queued no earlier than `since`. */
export const stageNotes = ({ nodes }: RunState, look: Look, since = Number.NEGATIVE_INFINITY): string[] => {
  const rows = [...nodes.values()].flatMap((node): Cell[][] => {
    if (node.kind === 'gate' || (lastAttempt(node)?.queuedAt ?? 0) < since) return [];
    return notesOf(node).map((text) => [{ text: `${look.glyphs.warning} ${visible(node.name)}`, paint: look.palette.warning }, text]);
  });
  return table([{ title: '' }, { title: '', min: 20, wide: 'wrap' }], rows, look).slice(1);
};
