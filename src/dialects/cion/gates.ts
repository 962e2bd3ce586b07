import type { Gate, GateReason } from '../../plan/plan.ts';
import { duration } from '../duration.ts';
import type { Named } from '../entries.ts';
import { mapping, type MappingOf, optional, required } from '../mapping.ts';
import { blame, byKind, choice, mapped, oneOrMore, type Shape, text } from '../shape.ts';
import { needs } from './needs.ts';

type WaitsFor = { readonly kind: 'person' } | { readonly kind: 'pipeline'; readonly pipeline: string };

const person = choice('"person" or a mapping with "pipeline"', ['person']);

const waitsFor: Shape<WaitsFor> = byKind<WaitsFor>({
  scalar: { ...mapped(person, (kind): WaitsFor => ({ kind })), what: '"person"' },
  map: mapped(
    mapping({ pipeline: required(text, 'The project whose pipeline must pass: its path as in ../api, or the directory beside this one.') }),
    ({ pipeline }): WaitsFor => ({ kind: 'pipeline', pipeline }),
  ),
});

const fields = {
  gate: required(waitsFor, 'What it waits for: person, or the pipeline of another project, as in { pipeline: ../api }.'),
  who: optional(oneOrMore(text), 'The people who may decide; otherwise anybody may.'),
  needs: optional(needs, 'Stages and gates that must have passed before it opens.'),
  timeout: optional(duration, 'How long it waits, as in 1h; otherwise for ever.'),
};

export type GateKeys = MappingOf<typeof fields>;

/** An entry of `stages` that runs nothing: it holds what needs it back until it is decided. */
export const gate: Shape<GateKeys> = mapped(mapping(fields), (given, place) =>
  given.gate.kind === 'pipeline' && given.who !== undefined
    ? blame(place, {
        code: 'CONFLICTING_KEYS',
        message: `"${place.path}" waits for a pipeline, about which nobody decides.`,
        hint: 'Remove "who", or make it a gate of its own with "gate: person".',
      })
    : given,
);

export const gateOf = ({ name, value, range }: Named<GateKeys>): Gate => ({
  kind: 'gate',
  name,
  range,
  needs: (value.needs ?? []).map((need) => ({ node: need.name, on: need.value })),
  waitsFor: reasonOf(value),
  ...(value.timeout === undefined ? {} : { timeoutMs: value.timeout }),
});

const reasonOf = ({ gate, who = [] }: GateKeys): GateReason => (gate.kind === 'person' ? { kind: 'person', who: [...new Set(who)] } : gate);
