import { nearestWord } from '../../lib/did-you-mean.ts';
import { type Problem, parsed, type Range, refused } from '../../plan/problem.ts';
import { plainEntries } from '../entries.ts';
import { mapping, type MappingOf, optional } from '../mapping.ts';
import { quoted } from '../quoted.ts';
import { blame, defined, inside, type JsonSchema, type Place, textAs } from '../shape.ts';
import type { YamlEntry, YamlNode } from '../yaml.ts';
import { box, services } from './box.ts';
import { minutes } from './minutes.ts';
import { isNothing, orNothing } from './nothing.ts';
import { isPipelineKey, type Pipeline, pipeline, steps } from './pipeline.ts';
import { workflows } from './workflows.ts';

const below = textAs('a path below the source', { type: ['string', 'number'] }, (given) => {
  const path = given.replace(/^(?:\.\/)+|\/+$/g, '');
  return path.startsWith('/') || path.split('/').includes('..') || /[\n$]/.test(path)
    ? refused({
        code: 'WRONG_VALUE',
        message: `${quoted(given)} is not a path below the source.`,
        hint: 'Write it like app or services/web.',
      })
    : parsed(path);
});

const fields = {
  box: optional(orNothing(defined('box', box)), 'The image whose container the steps run in.'),
  services: optional(orNothing(defined('services', services)), 'Containers beside it, reached by their names.'),
  'command-timeout': optional(minutes, 'How many minutes a step may take; otherwise 25, at most 60.'),
  'no-response-timeout': optional(minutes, 'How many minutes a step may write nothing; otherwise 5, at most 60.'),
  'source-dir': optional(orNothing(below), 'A directory of the source in which the steps run.'),
  'ignore-file': optional(orNothing(below), 'A file that says which files of the source are left out; otherwise .werckerignore.'),
  workflows: optional(orNothing(workflows), 'Which pipelines follow each other. They are run one by one here.'),
};

/** What is said for all pipelines. */
export type Common = MappingOf<typeof fields>;

export type Configuration = {
  readonly common: Common;
  readonly pipelines: ReadonlyMap<string, ReadPipeline>;
};

/** What is wrong with one pipeline keeps no other from running. */
export type ReadPipeline = { readonly range: Range; readonly problems: readonly Problem[]; readonly pipeline?: Pipeline };

const common = mapping(fields);
const isCommon = (key: string): boolean => Object.hasOwn(fields, key);

/** The whole of a file; `undefined` when what was reported keeps every pipeline from running. */
export const readConfiguration = (node: YamlNode, place: Place): Configuration | undefined => {
  const entries = plainEntries(node, place);
  if (entries === undefined || node.kind !== 'map') return undefined;
  const read = common.read({ ...node, entries: entries.filter(({ key }) => isCommon(key.text)) }, place);
  const others = entries.filter(({ key }) => !isCommon(key.text));
  const pipelines = others.filter(isPipeline);
  for (const entry of others) if (!isPipeline(entry)) tellUnused(entry, place);
  return read && { common: read, pipelines: new Map(pipelines.map((entry) => [entry.key.text, readPipeline(entry, place)])) };
};

/** A mapping without anything of a pipeline only holds anchors. */
const isPipeline = ({ key, value }: YamlEntry): boolean => {
  if (key.text.startsWith('x-') || nearestWord(key.text, Object.keys(fields)) !== undefined) return false;
  if (value.kind === 'map')
    return value.entries.length === 0 || value.entries.some(({ key, value }) => isPipelineKey(key.text) || value.kind === 'list');
  return isNothing(value);
};

const tellUnused = ({ key, value }: YamlEntry, place: Place): void => {
  const meant = nearestWord(key.text, Object.keys(fields));
  if (key.text.startsWith('x-') || (meant === undefined && value.kind !== 'scalar')) return;
  const hint = meant === undefined ? 'A pipeline is a mapping with "steps".' : `Did you mean "${meant}"?`;
  blame(place, { code: 'KEY_UNUSED', message: `${quoted(key.text)} has no meaning at the top of the file.`, hint }, key.range);
};

const readPipeline = ({ key, value }: YamlEntry, place: Place): ReadPipeline => {
  const problems: Problem[] = [];
  const there = { ...inside(place, key.text, key.range), report: (problem: Problem) => void problems.push(problem) };
  if (!isNothing(value)) {
    const read = pipeline.read(value, there);
    return { range: key.range, problems, ...(read && { pipeline: read }) };
  }
  blame(there, { code: 'EMPTY_VALUE', message: `The pipeline ${quoted(key.text)} is empty.`, hint: 'Add "steps" below it.' });
  return { range: key.range, problems };
};

/** JSON Schema of `wercker.yml` for editors: the file schema/wercker.schema.json. */
export const werckerSchema = (): JsonSchema => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'wercker.yml',
  description: 'Pipelines: steps that run one after the other in one container.',
  ...common.schema,
  patternProperties: { '^x-': {} },
  additionalProperties: { anyOf: [{ $ref: '#/definitions/pipeline' }, { type: 'array' }] },
  definitions: { pipeline: pipeline.schema, box: box.schema, services: services.schema, steps: steps.schema },
});
