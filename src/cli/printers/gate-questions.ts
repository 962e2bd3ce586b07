import type { Clock } from '../../lib/clock.ts';
import type { RunEvent } from '../../run/run-event.ts';
import type { RunState } from '../../run/run-state.ts';
import { cut, width } from './fit.ts';
import type { Look } from './look.ts';
import { visible } from './visible.ts';

/** Keys as they are pressed, until the returned function is called. */
export type Keys = { listen(press: (key: string) => void): () => void };

/** The person at the terminal, who may be asked to decide gates. */
export type Asked = {
  readonly name: string;
  readonly keys: Keys;
  /** Rejects when the decision cannot be kept. That somebody was quicker is no error. */
  decide(gate: string, openedAt: number, kind: 'approved' | 'rejected'): Promise<void>;
};

export type GateQuestions = {
  event(event: RunEvent, state: RunState): void;
  /** The question of the moment as one line; calling it says that it is seen now. */
  line(look: Look): string | undefined;
  close(): void;
};

/** Nobody reads and answers quicker: a key so soon after a question was meant for what stood there before. */
const reactionMs = 300;

/** Asks about the gates that wait for the person at the terminal, one after the other. `changed` is called when an answer changes the line. */
export const gateQuestions = ({ name, keys, decide }: Asked, clock: Clock, changed: () => void): GateQuestions => {
  const open = new Map<string, { readonly openedAt: number; readonly trouble?: string }>();
  let seen: { readonly gate: string; readonly at: number } | undefined;
  let stop: (() => void) | undefined;

  const current = (): string | undefined => open.keys().next().value;
  const listen = (): void => {
    if (open.size > 0) stop ??= keys.listen(press);
    else close();
  };
  const close = (): void => {
    stop?.();
    stop = undefined;
  };
  const press = (key: string): void => {
    const gate = current();
    const asked = gate === undefined ? undefined : open.get(gate);
    if (gate === undefined || asked === undefined || seen?.gate !== gate || clock.now() < seen.at + reactionMs) return;
    const letter = key.toLowerCase();
    if (letter === 'n' && open.size > 1) {
      open.delete(gate);
      open.set(gate, asked);
    } else if (letter === 'a' || letter === 'r') {
      open.delete(gate);
      decide(gate, asked.openedAt, letter === 'a' ? 'approved' : 'rejected').catch((error: unknown) => {
        open.set(gate, { openedAt: asked.openedAt, trouble: error instanceof Error ? error.message : String(error) });
        listen();
        changed();
      });
    } else return;
    seen = undefined;
    listen();
    changed();
  };
  const ask = (gate: string, state: RunState): void => {
    const own = state.nodes.get(gate);
    const planned = state.plan?.nodes.find((node) => node.name === gate);
    if (own?.kind !== 'gate' || own.phase !== 'running' || own.openedAt === undefined) return;
    if (planned?.kind !== 'gate' || planned.waitsFor.kind !== 'person') return;
    if (planned.waitsFor.who.length > 0 && !planned.waitsFor.who.includes(name)) return;
    open.set(gate, { openedAt: own.openedAt });
  };
  return {
    event: (event, state) => {
      if (event.kind === 'gate.opened') ask(event.gate, state);
      else if (event.kind === 'run.resumed') for (const gate of state.nodes.keys()) ask(gate, state);
      else if (event.kind === 'gate.decided' || event.kind === 'gate.skipped') open.delete(event.gate);
      else if (event.kind === 'run.finished') open.clear();
      else return;
      listen();
    },
    line: (look) => {
      const gate = current();
      if (gate === undefined) return undefined;
      if (seen?.gate !== gate) seen = { gate, at: clock.now() };
      return question(gate, open.size, open.get(gate)?.trouble, look);
    },
    close,
  };
};

const question = (gate: string, count: number, trouble: string | undefined, { palette, glyphs, columns }: Look): string => {
  const why = trouble === undefined ? '' : ` (not kept: ${visible(trouble)})`;
  const next = count > 1 ? `, [n]ext of ${count}` : '';
  const choices = ` waits for a person: [a]pprove, [r]eject${next}${why}`;
  const name = cut(visible(gate), Math.max(1, columns - 1 - 2 - width(choices)), glyphs.ellipsis);
  return palette.warning(cut(`${glyphs.gate} ${name}${choices}`, columns - 1, glyphs.ellipsis));
};
