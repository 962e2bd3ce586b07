import { cacheSchema } from '../cache.ts';
import { mapping, type MappingOf, optional } from '../mapping.ts';
import { defined, type JsonSchema, placed } from '../shape.ts';
import { services, stageEnv } from './env.ts';
import { releaseSection, section } from './sections.ts';

import { stages } from './stages.ts';

const fields = {
  build: optional(placed(defined('section', section)), 'Builds the project from BUILD_DIR and leaves its artifacts in ARTIFACTS_DIR.'),
  test: optional(placed(defined('section', section)), 'Tests what was built; a release waits for it.'),
  release: optional(placed(releaseSection), 'Releases the project from ARTIFACTS_DIR.'),
  services: optional(defined('services', services), 'Containers beside every stage, reached by their names.'),
  stages: optional(placed(stages), 'Stages by name, in place of build, test and release; they run as soon as what they need has passed.'),
};

export type Configuration = MappingOf<typeof fields>;

/** The whole of `.cion.yml`. */
export const configuration = mapping(fields, {
  apart: [
    ['build', 'stages'],
    ['test', 'stages'],
    ['release', 'stages'],
  ],
  ignored: 'x-',
});

/** JSON Schema of `.cion.yml` for editors: the file schema/cion.schema.json. */
export const cionSchema = (): JsonSchema => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: '.cion.yml',
  description: 'From a commit to a deployment: which containers run, in which order.',
  ...configuration.schema,
  definitions: { section: section.schema, services: services.schema, env: stageEnv.schema, cache: cacheSchema },
});
