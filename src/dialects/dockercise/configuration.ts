import type { Range } from '../../plan/problem.ts';
import { cacheSchema } from '../cache.ts';
import { type Named, plainEntries, readNamed } from '../entries.ts';
import { image } from '../image.ts';
import { mapping, optional } from '../mapping.ts';
import { allOrNone, inside, type JsonSchema, oneOrMore, type Place, type Shape, text } from '../shape.ts';
import { isEmpty, type YamlEntry } from '../yaml.ts';
import { type Awaited, after } from './after.ts';
import { env, services } from './env.ts';
import { said, type Said, stageName, stageNameSchema } from './names.ts';
import { type StageKeys, stageKeys } from './stage-keys.ts';

export type Definition = Named<StageKeys>;

/** One file; others may say more. */
export type Configuration = {
  readonly stages: readonly Definition[];
  readonly after?: { readonly awaited: readonly Awaited[]; readonly range: Range };
  readonly name?: Said<string>;
  readonly subgraphs: readonly Said<string>[];
};

const meta = mapping({
  name: optional(said(text), 'The name of the pipeline; otherwise dockercise.'),
  subgraphs: optional(oneOrMore(said(image)), 'Images that print further stages, in this same form, when they are run.'),
});

const afterDescription = 'What the whole pipeline waits for: human-click, or another pipeline.';
const metaDescription = 'What is said of the pipeline itself.';

const isStage = ({ key }: YamlEntry): boolean => key.text !== 'after' && key.text !== 'meta';

/** The whole of a file: stages by name, `after` and `meta`. */
export const configuration: Shape<Configuration> = {
  schema: {
    type: ['object', 'null'],
    properties: {
      after: { description: afterDescription, ...after.schema },
      meta: { description: metaDescription, ...meta.schema },
    },
    propertyNames: { anyOf: [{ enum: ['after', 'meta'] }, stageNameSchema] },
    additionalProperties: { $ref: '#/definitions/stage' },
  },
  read: (node, place) => {
    if (isEmpty(node)) return { stages: [], subgraphs: [] };
    const entries = plainEntries(node, place);
    if (entries === undefined) return undefined;
    const stages = allOrNone(entries.filter(isStage).map((entry) => readNamed(entry, stageName, stageKeys, place)));
    const waits = readKey(entries, 'after', after, place);
    const about = readKey(entries, 'meta', meta, place);
    if (stages === undefined) return undefined;
    return {
      stages,
      ...(waits?.value === undefined ? {} : { after: { awaited: waits.value, range: waits.range } }),
      ...(about?.value?.name === undefined ? {} : { name: about.value.name }),
      subgraphs: about?.value?.subgraphs ?? [],
    };
  },
};

const readKey = <T>(entries: readonly YamlEntry[], name: string, shape: Shape<T>, place: Place) => {
  const entry = entries.find(({ key }) => key.text === name);
  return entry && { value: shape.read(entry.value, inside(place, name, entry.key.range)), range: entry.key.range };
};

/** JSON Schema of `*.dockercise.yaml` for editors: the file schema/dockercise.schema.json. */
export const dockerciseSchema = (): JsonSchema => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'dockercise.yaml',
  description: 'Stages that run in containers, and what they hand to each other.',
  ...configuration.schema,
  definitions: { stage: stageKeys.schema, env: env.schema, services: services.schema, cache: cacheSchema },
});
