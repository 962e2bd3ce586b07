import type { FetchedStep } from '../dialects/dialect.ts';
import type { Parsed, Problem } from '../plan/problem.ts';
import type { CompiledTree } from './compile-tree.ts';

/** The code of a step, or why it cannot be had; asked again for the same, it answers the same. */
export type StepBy = (reference: string) => Promise<Parsed<FetchedStep>>;

type Compile = (steps: ReadonlyMap<string, FetchedStep>) => Promise<CompiledTree | undefined>;

/** Compiles, fetches what is wanted, all of it at once, and compiles again: until nothing is missing, or something cannot be had. */
export const withSteps = async (stepBy: StepBy, compile: Compile): Promise<CompiledTree | undefined> => {
  const steps = new Map<string, FetchedStep>();
  for (;;) {
    const text = await compile(new Map(steps));
    if (text === undefined || text.compiled.ok) return text;
    const wanted = (text.compiled.wantsSteps ?? []).filter(({ reference }) => !steps.has(reference));
    if (wanted.length === 0) return text;
    const fetched = await Promise.all(wanted.map(async ({ reference, range }) => ({ reference, range, step: await stepBy(reference) })));
    const problems = fetched.flatMap(({ range, step }): readonly Problem[] =>
      step.ok ? [] : step.problems.map((problem) => ({ range, ...problem })),
    );
    if (problems.length > 0) return { ...text, compiled: { ok: false, problems } };
    for (const { reference, step } of fetched) if (step.ok) steps.set(reference, step.value);
  }
};
