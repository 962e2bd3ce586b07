import type { PlanNode } from '../plan/plan.ts';
import type { RunEvent, RunFact } from '../run/run-event.ts';
import type { RunState } from '../run/run-state.ts';

/** A stage that deploys and passed is a Deployment, recorded with its end; that of changed files only when told to (R-CIO-18, R-CIO-51). */
export const deploymentOf = (
  event: RunEvent,
  nodes: ReadonlyMap<string, PlanNode>,
  state: RunState,
  recordChanged: boolean,
): readonly RunFact[] => {
  if (event.kind !== 'stage.finished' || event.outcome !== 'passed') return [];
  const stage = nodes.get(event.stage);
  const source = state.fetch.source;
  const own = state.nodes.get(event.stage);
  if (stage?.kind !== 'stage' || stage.deploys === undefined || own?.kind !== 'stage') return [];
  if ((source?.commit === undefined || source.changedFiles > 0) && !recordChanged) return [];
  const image = own.attempts.at(-1)?.image;
  const artifacts = [...state.nodes.values()]
    .flatMap((node) => (node.kind === 'stage' ? [node.attempts.at(-1)?.artifacts?.key] : []))
    .find((key) => key !== undefined);
  return [
    {
      kind: 'deployment.recorded',
      stage: event.stage,
      deployment: {
        environment: stage.deploys.environment,
        changedFiles: source?.changedFiles ?? 0,
        image: { reference: image?.reference ?? '', digest: image?.digest ?? '' },
        at: event.at,
        ...(source?.commit === undefined ? {} : { commit: source.commit }),
        ...(artifacts === undefined ? {} : { artifacts }),
      },
    },
  ];
};
