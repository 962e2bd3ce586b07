import { assertNever } from '../lib/assert-never.ts';
import type { Clock } from '../lib/clock.ts';
import type { Gatekeeper, OpenGate } from '../run/gatekeeper.ts';
import { awaitDecision, type GateOpening, makeDecision, readDecision } from './decisions.ts';
import { awaitGreen, greenSince } from './pipelines.ts';

export type LocalGatekeeper = {
  /** Of the project. */
  readonly root: string;
  readonly stateDir: string;
  readonly run: string;
  readonly clock: Clock;
  /** Gates that somebody approved before they were open. */
  readonly ahead?: { readonly by: string; approves(gate: string): boolean };
};

/** Gates of a laptop's run: people decide by files in the run's directory, pipelines are other projects of the same machine. */
export const localGatekeeper = ({ root, stateDir, run, clock, ahead }: LocalGatekeeper): Gatekeeper => {
  const openingOf = ({ gate, openedAt }: OpenGate): GateOpening => ({ run, gate: gate.name, openedAt });
  return {
    made: async (open) => {
      const { waitsFor } = open.gate;
      switch (waitsFor.kind) {
        case 'person':
          return readDecision(stateDir, openingOf(open));
        case 'pipeline':
          return greenSince(root, waitsFor.pipeline, open.since);
        default:
          return assertNever(waitsFor);
      }
    },
    decided: async (open, signal) => {
      const { waitsFor, name } = open.gate;
      switch (waitsFor.kind) {
        case 'person':
          if (ahead?.approves(name)) await makeDecision(stateDir, openingOf(open), { kind: 'approved', by: ahead.by, at: clock.now() });
          return awaitDecision(stateDir, openingOf(open), signal);
        case 'pipeline':
          return awaitGreen(root, waitsFor.pipeline, open.since, signal);
        default:
          return assertNever(waitsFor);
      }
    },
  };
};
