import type { Gate, Need } from '../../plan/plan.ts';
import type { Range } from '../../plan/problem.ts';
import type { Awaited } from './after.ts';

/** A gate for each thing that is waited for besides stages. The first of a kind is called `prefix` + its kind, further ones are counted. */
export const gatesOf = (
  prefix: string,
  awaited: readonly Awaited[],
  needs: readonly Need[],
): readonly (Gate & { readonly range: Range })[] => {
  const counts = { person: 0, pipeline: 0 };
  return awaited.flatMap((one) => {
    if (one.kind === 'stage') return [];
    const count = ++counts[one.kind];
    const kind = one.kind === 'person' ? 'human-click' : 'pipeline';
    return [
      {
        kind: 'gate',
        name: `${prefix}${kind}${count === 1 ? '' : `-${count}`}`,
        range: one.range,
        needs,
        waitsFor: one.kind === 'person' ? { kind: 'person', who: one.who } : { kind: 'pipeline', pipeline: one.pipeline },
        ...(one.timeoutMs === undefined ? {} : { timeoutMs: one.timeoutMs }),
      },
    ];
  });
};
