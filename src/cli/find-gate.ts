import { didYouMean } from '../lib/did-you-mean.ts';
import type { Gate } from '../plan/plan.ts';
import type { GateState, RunState } from '../run/run-state.ts';
import { openApproval } from '../run/open-approval.ts';
import { Refusal } from './refusal.ts';
import type { RunPlace } from './run-place.ts';

export type FoundGate = { readonly state: RunState; readonly gate: Gate; readonly own: GateState };

/** What `[run] <gate>` means: one word alone is a gate of the newest run in which one of that name waits, else the only gate that is open of the run that it names. */
export const findGate = async (runs: RunPlace, first: string, second: string | undefined): Promise<FoundGate> => {
  if (second !== undefined) return gateIn(await runs.read(first), second);
  for await (const state of runs.open()) if (state.nodes.get(first)?.phase === 'running') return gateIn(state, first);
  const newest = await runs.read(undefined);
  if (newest.nodes.has(first) || !(await runs.has(first))) return gateIn(newest, first);
  const open = openIn(await runs.read(first));
  const [only, ...others] = open;
  if (only !== undefined && others.length === 0) return only;
  throw new Refusal(
    'USAGE',
    `Which gate of run ${first}?`,
    `Give its name too: cion approve ${first} <gate>. ${open.length === 0 ? 'None is open.' : `These wait: ${namesOf(open).join(', ')}.`}`,
  );
};

/** What is meant when nothing is said: the one gate that waits for somebody. A run of a fork is always named: to approve it is to let code of strangers run. */
export const onlyGate = async (runs: RunPlace): Promise<FoundGate> => {
  const gates: FoundGate[] = [];
  const forks: string[] = [];
  for await (const state of runs.open()) {
    gates.push(...openIn(state));
    if (openApproval(state) !== undefined) forks.push(`run ${state.number}, of a fork`);
  }
  const [only] = gates;
  if (only === undefined && forks.length === 0) throw new Refusal('GATE_CLOSED', 'Nothing waits for somebody to decide it.');
  if (only !== undefined && gates.length + forks.length === 1) return only;
  throw new Refusal('USAGE', gates.length === 0 ? 'Which run?' : 'Which gate?', `These wait: ${[...namesOf(gates), ...forks].join(', ')}.`);
};

/** The gates for people that are open. */
const openIn = (state: RunState): readonly FoundGate[] =>
  (state.plan?.nodes ?? []).flatMap((gate) => {
    const own = state.nodes.get(gate.name);
    const isOpen = gate.kind === 'gate' && gate.waitsFor.kind === 'person' && own?.kind === 'gate' && own.phase === 'running';
    return isOpen ? [{ state, gate, own }] : [];
  });

const namesOf = (gates: readonly FoundGate[]): readonly string[] => gates.map(({ gate, state }) => `"${gate.name}" of run ${state.number}`);

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
