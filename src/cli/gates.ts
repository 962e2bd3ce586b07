import type { Clock } from '../lib/clock.ts';
import { didYouMean } from '../lib/did-you-mean.ts';
import { localGatekeeper } from '../local/gatekeeper.ts';
import { isKnownPipeline } from '../local/pipelines.ts';
import type { Gate, Plan } from '../plan/plan.ts';
import type { Problem } from '../plan/problem.ts';
import type { Gatekeeper } from '../run/gatekeeper.ts';
import { gateSentence } from './printers/sentences.ts';
import type { Project } from './project.ts';

/** `approve`: gates that the user approves before they are open; `all` for those that there are. */
export type GateOptions = { readonly approve?: readonly string[] };

export const gatekeeperOf = (
  { root, stateDir }: Project,
  run: string,
  by: string,
  clock: Clock,
  { approve = [] }: GateOptions,
): Gatekeeper =>
  localGatekeeper({
    root,
    stateDir,
    run,
    clock,
    ahead: { by, approves: (gate) => approve.includes(gate) || approve.includes('all') },
  });

/** What would keep the gates of a run from ever being decided as asked; told before anything runs. */
export const gateProblems = async (
  { root }: Pick<Project, 'root'>,
  plan: Plan,
  only: ReadonlySet<string> | undefined,
  by: string,
  { approve = [] }: GateOptions,
): Promise<readonly Problem[]> => {
  const gates = plan.nodes.filter((node) => node.kind === 'gate' && (only?.has(node.name) ?? true)).filter((node) => node.kind === 'gate');
  const unknown = await Promise.all(gates.map((gate) => pipelineProblem(root, gate)));
  return [
    ...unknown.filter((problem) => problem !== undefined),
    ...approve.filter((name) => name !== 'all').flatMap((name) => approvalProblems(name, gates, by)),
    ...(approve.includes('all') ? gates.filter(isForPeople).flatMap((gate) => strangerProblems(gate, by)) : []),
  ];
};

/** Who may decide, by the names that the text says; on one machine nobody proves who he is. */
export const mayDecide = ({ waitsFor }: Gate, by: string): boolean =>
  waitsFor.kind === 'person' && (waitsFor.who.length === 0 || waitsFor.who.includes(by));

const isForPeople = ({ waitsFor }: Gate): boolean => waitsFor.kind === 'person';

const pipelineProblem = async (root: string, gate: Gate): Promise<Problem | undefined> => {
  const { waitsFor, name, range } = gate;
  if (waitsFor.kind !== 'pipeline' || (await isKnownPipeline(root, waitsFor.pipeline))) return undefined;
  return {
    code: 'GATE_PIPELINE_UNKNOWN',
    message: `The gate "${name}" waits for the pipeline "${waitsFor.pipeline}", which is not known on this machine.`,
    hint: 'Write the path of a project as in ../other, or the name of the directory beside this one, where cion was run before.',
    ...(range === undefined ? {} : { range }),
  };
};

const approvalProblems = (name: string, gates: readonly Gate[], by: string): readonly Problem[] => {
  const gate = gates.find((candidate) => candidate.name === name);
  if (gate !== undefined) return strangerProblems(gate, by);
  const hint = didYouMean(
    name,
    gates.map((candidate) => candidate.name),
  );
  return [{ code: 'GATE_UNKNOWN', message: `There is no gate "${name}" to approve.`, ...(hint === undefined ? {} : { hint }) }];
};

const strangerProblems = (gate: Gate, by: string): readonly Problem[] =>
  mayDecide(gate, by)
    ? []
    : [{ code: 'GATE_NOT_YOURS', message: `The gate "${gate.name}" waits for ${gateSentence(gate.waitsFor)}, and you are ${by}.` }];
