import type { Problem } from '../../plan/problem.ts';
import { cycleIn } from '../../plan/cycle.ts';
import { mapping, optional, required } from '../mapping.ts';
import { list, oneOrMore, type Placed, placed, type Shape, text } from '../shape.ts';

const item = mapping(
  {
    name: required(text, 'What it is called in the workflow.'),
    pipelineName: optional(text, 'The pipeline that runs; otherwise the one of that name.'),
    requires: optional(oneOrMore(text), 'What must have passed before.'),
    artifactPipeline: optional(text, 'Whose output its source is.'),
    envFile: optional(text, 'A file with its variables.'),
  },
  { lenient: true },
);

const workflow = mapping(
  { name: required(placed(text), 'The name of the workflow.'), pipelines: required(list(item), 'What runs, each after what it requires.') },
  { lenient: true },
);

export type Workflow = {
  readonly name: Placed<string>;
  readonly pipelines: readonly { readonly name: string; readonly pipelineName?: string; readonly requires?: readonly string[] }[];
};

export const workflows: Shape<readonly Workflow[]> = list(workflow);

/** What would keep a workflow from running; told, since only one of its pipelines runs at a time here. */
export const workflowProblems = (given: readonly Workflow[], pipelines: ReadonlySet<string>): readonly Problem[] =>
  given.flatMap(({ name, pipelines: items }) => {
    const wrong = wrongWith(items, pipelines);
    if (wrong === undefined) return [];
    return [
      {
        code: 'WORKFLOW',
        message: `The workflow "${name.value}" cannot run: ${wrong}.`,
        hint: 'Correct it; pipelines can be run one by one.',
        range: name.range,
      },
    ];
  });

const wrongWith = (items: Workflow['pipelines'], pipelines: ReadonlySet<string>): string | undefined => {
  const names = items.map(({ name }) => name);
  const duplicate = names.find((name, i) => names.indexOf(name) !== i);
  if (duplicate !== undefined) return `duplicate pipeline ${duplicate}`;
  const undefinedOne = items.map(({ name, pipelineName = name }) => pipelineName).find((name) => !pipelines.has(name));
  if (undefinedOne !== undefined) return `pipeline ${undefinedOne} is not defined`;
  for (const { name, requires = [] } of items) {
    const missing = requires.find((required) => !names.includes(required));
    if (missing !== undefined) return `no pipeline ${missing} required by ${name}`;
  }
  const cycle = cycleIn(
    items.map(({ name, requires = [] }) => ({ name, needs: requires.map((node) => ({ node, on: 'passed' as const })) })),
  );
  if (cycle !== undefined) return `contains cycle ${[...cycle, cycle[0]].join(' -> ')}`;
  const roots = items.filter(({ requires = [] }) => requires.length === 0).map(({ name }) => name);
  if (roots.length === 0) return 'no root pipeline';
  return roots.length > 1 ? `multiple root pipelines: ${roots.join(', ')}` : undefined;
};
