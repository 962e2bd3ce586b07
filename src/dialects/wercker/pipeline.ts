import { didYouMean, nearestWord } from '../../lib/did-you-mean.ts';
import { parsed, refused } from '../../plan/problem.ts';
import { plainEntries } from '../entries.ts';
import { mapping, optional } from '../mapping.ts';
import { quoted } from '../quoted.ts';
import { allOrNone, blame, defined, inside, list, mapped, type Place, placed, type Placed, type Shape, textAs } from '../shape.ts';
import type { YamlEntry } from '../yaml.ts';
import { type Box, box, services } from './box.ts';
import { isNothing, orNothing } from './nothing.ts';
import { stepItem, type StepItem } from './step-item.ts';

export type Pipeline = {
  /** Absent: those of the whole file. */
  readonly box?: Box;
  readonly services?: readonly Box[];
  readonly steps: readonly StepItem[];
  readonly afterSteps: readonly StepItem[];
  readonly basePath?: Placed<string>;
  /** Where it says that it needs Docker. */
  readonly docker?: Placed<boolean>;
  /** Steps in place of `steps`, by the name of what is deployed to. */
  readonly targets: ReadonlyMap<string, readonly StepItem[]>;
};

export const steps: Shape<readonly StepItem[]> = list(stepItem);
const stepsOrNone = mapped(orNothing(defined('steps', steps)), (given) => given ?? []);

const yes = textAs('true or false', { type: 'boolean' }, (given) =>
  /^(?:true|yes|on|false|no|off)$/i.test(given)
    ? parsed(/^(?:true|yes|on)$/i.test(given))
    : refused({ code: 'WRONG_VALUE', message: `${quoted(given)} is neither true nor false.`, hint: 'Write true or false.' }),
);

/** Directories that are not the project's to fill. */
const system =
  /^\/(?:(?:bin|boot|dev|etc|lib|lib64|mnt|pipeline|proc|report|root|run|sbin|sys|tmp|usr|var)?$|(?:dev|etc|mnt|proc|report|sys)\/|(?:pipeline\/(?:output|cache)|tmp\/build(?:_output)?)(?:\/|$))/;

const basePath = textAs('an absolute path', { type: 'string', pattern: '^/' }, (given) => {
  const path = given.replace(/(.)\/+$/, '$1');
  if (
    !path.startsWith('/') ||
    /[\n$]/.test(path) ||
    path
      .split('/')
      .slice(1)
      .some((part) => /^\.{0,2}$/.test(part) && path !== '/')
  ) {
    return refused({
      code: 'BASE_PATH',
      message: `${quoted(given)} is not an absolute path.`,
      hint: 'Write it like /go/src/github.com/owner/project.',
    });
  }
  if (system.test(path)) {
    return refused({
      code: 'BASE_PATH',
      message: `${quoted(given)} is not for the source alone.`,
      hint: 'Choose a directory below it; what is in it is removed.',
    });
  }
  return parsed(path);
});

export const pipelineFields = {
  box: optional(orNothing(defined('box', box)), 'The image whose container the steps run in; otherwise that of the whole file.'),
  services: optional(orNothing(defined('services', services)), 'Containers beside it, in place of those of the whole file.'),
  steps: optional(stepsOrNone, 'What runs, one after the other, in one shell.'),
  'after-steps': optional(stepsOrNone, 'What runs after the steps, whatever came of them.'),
  'base-path': optional(placed(basePath), 'Where the source is put in the container; otherwise /pipeline/source.'),
  docker: optional(placed(yes), 'Whether the steps are given the Docker of this machine.'),
};

const keys = mapping(pipelineFields);
const known = Object.keys(pipelineFields);
export const isPipelineKey = (key: string): boolean => Object.hasOwn(pipelineFields, key);

export const pipeline: Shape<Pipeline> = {
  schema: { ...keys.schema, additionalProperties: stepsOrNone.schema },
  read: (node, place) => {
    const entries = plainEntries(node, place);
    if (entries === undefined || node.kind !== 'map') return undefined;
    const own = keys.read({ ...node, entries: entries.filter(({ key }) => isPipelineKey(key.text)) }, place);
    const targets = allOrNone(entries.filter(({ key }) => !isPipelineKey(key.text)).map((entry) => target(entry, place)));
    if (own === undefined || targets === undefined) return undefined;
    return {
      ...(own.box ? { box: own.box } : {}),
      ...(own.services ? { services: own.services } : {}),
      steps: own.steps ?? [],
      afterSteps: own['after-steps'] ?? [],
      ...(own['base-path'] === undefined ? {} : { basePath: own['base-path'] }),
      ...(own.docker?.value === true ? { docker: own.docker } : {}),
      targets: new Map(targets),
    };
  },
};

const target = ({ key, value }: YamlEntry, place: Place): readonly [string, readonly StepItem[]] | undefined => {
  const there = inside(place, key.text, key.range);
  if (nearestWord(key.text, known) !== undefined) {
    const message = `${quoted(key.text)} is not a key of "${place.path}".`;
    return blame(there, { code: 'UNKNOWN_KEY', message, hint: didYouMean(key.text, known) });
  }
  if (value.kind === 'list' || isNothing(value)) {
    const read = stepsOrNone.read(value, there);
    return read && [key.text, read];
  }
  const message = `${quoted(key.text)} is neither a key of "${place.path}" nor a deploy target, which is a list of steps.`;
  return blame(there, { code: 'UNKNOWN_KEY', message, hint: hintFor(key.text) });
};

const hintFor = (key: string): string => {
  if (key === 'env')
    return 'Variables are those of the box, as in "box: { id: node, env: { KEY: value } }", or come from outside with the prefix X_.';
  if (key.includes('/')) return 'A step is an item of the list "steps".';
  return `Known are: ${known.map((name) => `"${name}"`).join(', ')}.`;
};
