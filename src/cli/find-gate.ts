import { didYouMean } from '../lib/did-you-mean.ts';
import type { Gate } from '../plan/plan.ts';
import type { GateState, RunState } from '../run/run-state.ts';
import { openApproval } from '../run/open-approval.ts';
import { Refusal } from './refusal.ts';
import type { RunPlace } from './run-place.ts';

export type FoundGate = { readonly state: RunState; readonly gate: Gate; readonly own: GateState };

/** What `[run] <gate>` means: one word alone is a gate of the newest run in which one of that name waits, else of the newest run. */
export const findGate = async (runs: RunPlace, first: string | undefined, second: string | undefined): Promise<FoundGate> => {
  if (first === undefined) throw new Refusal('USAGE', 'Which gate?', await waitingGates(runs));
  if (second !== undefined) return gateIn(await runs.read(first), second);
  for await (const state of runs.open()) if (state.nodes.get(first)?.phase === 'running') return gateIn(state, first);
  const newest = await runs.read(undefined);
  if (!newest.nodes.has(first) && (await runs.has(first))) {
    throw new Refusal('USAGE', `Which gate of run ${first}?`, `Give its name too: cion approve ${first} <gate>.`);
  }
  return gateIn(newest, first);
};

const gateIn = (state: RunState, name: string): FoundGate => {
  const gate = state.plan?.nodes.find((node) => node.name === name);
  const own = state.nodes.get(name);
  if (gate?.kind === 'gate' && own?.kind === 'gate') return { state, gate, own };
  const gates = [...state.nodes.values()].filter(({ kind }) => kind === 'gate').map((node) => node.name);
  const message =
    gate === undefined ? `Run ${state.number} has no gate "${name}".` : `"${name}" is a stage of run ${state.number} and not a gate.`;
  throw new Refusal('GATE_UNKNOWN', message, didYouMean(name, gates));
};

/** The gates that are open now, of the newest run first. */
export const openGates = async function* (runs: RunPlace): AsyncGenerator<{ readonly gate: string; readonly run: number }> {
  for await (const { number, nodes } of runs.open()) {
    for (const { kind, name, phase } of nodes.values()) if (kind === 'gate' && phase === 'running') yield { gate: name, run: number };
  }
};

const waitingGates = async (runs: RunPlace): Promise<string> => {
  const waiting: string[] = [];
  for await (const { gate, run } of openGates(runs)) waiting.push(`"${gate}" of run ${run}`);
  for await (const state of runs.open()) if (openApproval(state) !== undefined) waiting.push(`run ${state.number}, of a fork`);
  return waiting.length === 0 ? 'No gate waits.' : `These wait: ${waiting.join(', ')}.`;
};
