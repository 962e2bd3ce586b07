import fc from 'fast-check';
import type { Plan, Stage } from '../../plan/plan.ts';
import { imageCommand, reference, stage } from '../../plan/stage.ts';

/** Random DAGs: each stage needs some of those before it. */
export const randomPlan = (size = 10): fc.Arbitrary<Plan> =>
  fc
    .array(
      fc.record({
        needs: fc.array(
          fc.tuple(
            fc.nat(),
            fc.constantFrom('passed' as const, 'passed' as const, 'passed' as const, 'failed' as const, 'finished' as const),
          ),
          { maxLength: 3 },
        ),
        always: fc.boolean().map((value) => value),
        rare: fc.nat(9),
        attempts: fc.integer({ min: 1, max: 3 }),
      }),
      { minLength: 1, maxLength: size },
    )
    .map((drafts) => planOf(drafts.map((draft, index) => draftStage(draft, index))));

export const planOf = (stages: readonly Stage[]): Plan => ({ version: 1, pipeline: 'random', nodes: stages, volumes: [] });

type Draft = {
  readonly needs: readonly (readonly [number, 'passed' | 'failed' | 'finished'])[];
  readonly always: boolean;
  readonly rare: number;
  readonly attempts: number;
};

const draftStage = (draft: Draft, index: number): Stage =>
  stage({
    name: `s${index}`,
    image: reference('busybox:latest'),
    needs: index === 0 ? [] : uniqueNeeds(draft.needs.map(([number, on]) => ({ node: `s${number % index}`, on }))),
    always: draft.always && draft.rare < 3,
    mayFail: draft.rare === 9,
    ...(draft.rare === 8 ? { done: { command: imageCommand, timeouts: {} } } : {}),
    ...(draft.rare === 7 ? { commit: { names: [] } } : {}),
    retry: { attempts: draft.attempts, on: ['failed'] },
  });

const uniqueNeeds = (needs: Stage['needs']): Stage['needs'] => [...new Map(needs.map((need) => [need.node, need])).values()];
