import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Problem } from '../../plan/problem.ts';
import { readYaml } from '../yaml.ts';
import { readConfiguration } from './configuration.ts';
import type { Pipeline } from './pipeline.ts';
import type { StepItem } from './step-item.ts';
import { fetchedStep } from './testing/given.ts';
import { werckerDialect } from './wercker.ts';

/** Public files with what the original program made of each; they are not ours to hand on, and read where they lie. */
const corpus = process.env['CION_CORPUS'] ?? join(import.meta.dirname, '../../../../shared/corpus');
const skip = existsSync(join(corpus, 'wercker')) ? false : 'the public files are not here: CION_CORPUS names their directory';

type Item = readonly [reference: string, name: string | null, options: Readonly<Record<string, string>>];
type Answer = {
  readonly error?: string;
  readonly box?: string | null;
  readonly services?: readonly string[] | null;
  readonly pipelines?: Readonly<Record<string, AnswerPipeline | null>>;
};
type AnswerPipeline = {
  readonly steps: readonly Item[];
  readonly 'after-steps': readonly Item[];
  readonly targets?: Readonly<Record<string, readonly Item[] | null>>;
};

const filesOf = (folder: string) =>
  skip === false
    ? readdirSync(join(corpus, folder))
        .filter((name) => name.endsWith('.yml'))
        .map((name) => name.slice(0, -'.yml'.length))
    : [];
const load = (folder: string, name: string) => ({
  file: { path: 'wercker.yml', bytes: readFileSync(join(corpus, folder, `${name}.yml`)) },
  answer: JSON.parse(readFileSync(join(corpus, folder, `${name}.answer.json`), 'utf8')) as Answer,
});

const itemOf = ({ reference, name, code, options }: StepItem): Item => [
  reference,
  name ?? null,
  Object.fromEntries([...(code === undefined ? [] : [['code', code.trimEnd()]]), ...options.map(({ key, text }) => [key, text])]),
];
/** A last line without its newline has one for us. */
const trimmed = ([reference, name, options]: Item): Item => [
  reference,
  name,
  Object.fromEntries(Object.entries(options).map(([key, text]) => [key, key === 'code' ? text.trimEnd() : text])),
];

const ours = (folder: string, name: string) => {
  const { file, answer } = load(folder, name);
  const problems: Problem[] = [];
  const read = readYaml(file);
  if (!read.ok) return { answer, codes: read.problems.map(({ code }) => code), configuration: undefined };
  const place = { path: '', range: read.value.range, report: (problem: Problem) => void problems.push(problem) };
  const configuration = readConfiguration(read.value, place);
  return { answer, codes: problems.map(({ code }) => code), configuration };
};

const sameAs = (name: string, folder: string, left: ReadonlySet<string> = new Set()): void => {
  const { answer, configuration } = ours(folder, name);
  assert.ok(configuration, name);
  assert.equal(configuration.common.box?.id, answer.box || undefined, name);
  assert.deepEqual(
    (configuration.common.services ?? []).map(({ id }) => id),
    answer.services ?? [],
    name,
  );
  for (const [key, expected] of Object.entries(answer.pipelines ?? {})) {
    if (left.has(key) || expected === null) continue;
    const found: Pipeline | undefined = configuration.pipelines.get(key)?.pipeline;
    assert.ok(found, `${name} ${key}`);
    assert.deepEqual(found.steps.map(itemOf), expected.steps.map(trimmed), `${name} ${key}`);
    assert.deepEqual(found.afterSteps.map(itemOf), expected['after-steps'].map(trimmed), `${name} ${key}`);
    for (const [target, items] of Object.entries(expected.targets ?? {})) {
      if (!left.has(target))
        assert.deepEqual((found.targets.get(target) ?? []).map(itemOf), (items ?? []).map(trimmed), `${name} ${target}`);
    }
  }
};

/** Every pipeline, with step code for whatever is wanted; the codes of those that are refused. */
const refusals = (folder: string, name: string): Readonly<Record<string, readonly string[]>> => {
  const { file } = load(folder, name);
  const { configuration, codes } = ours(folder, name);
  if (configuration === undefined) return { '*': codes };
  return Object.fromEntries(
    [...configuration.pipelines.keys()].flatMap((pipeline) => {
      const compile = (wanted: readonly string[]) =>
        werckerDialect.compile([file], {
          project: 'p',
          variables: [],
          pipeline,
          steps: new Map(wanted.map((reference) => [reference, fetchedStep('step')])),
        });
      const first = compile([]);
      const compiled = first.ok ? first : compile((first.wantsSteps ?? []).map(({ reference }) => reference));
      return compiled.ok ? [] : [[pipeline, compiled.problems.map(({ code }) => code)]];
    }),
  );
};

test('public files: boxes, services, pipelines, steps and options are what they were', { skip }, () => {
  const names = filesOf('wercker').filter((name) => !name.startsWith('AgAmemnno'));
  assert.equal(names.length, 28);
  for (const name of names) sameAs(name, 'wercker');
});

test('public files: every pipeline compiles but those that could never run', { skip }, () => {
  const refused = Object.fromEntries(
    filesOf('wercker')
      .map((name) => [name.split('__')[1], refusals('wercker', name)])
      .filter(([, codes]) => Object.keys(codes ?? {}).length > 0),
  );
  assert.deepEqual(refused, {
    firefox_decrypt: { alpine: ['OPTION_MISSING'] },
    'nolap-report-editor': { build: ['BAD_IMAGE'] },
    gowerkgcloud: { '*': ['YAML_SYNTAX'] },
    'helidon-quickstart-se.old_wercker': { build: ['UNKNOWN_KEY'], 'deploy-to-kubernetes': ['NO_BOX'] },
    'wercker-step-hugo-build': { publish: ['STEP_INTERNAL_UNKNOWN'] },
    'step-bundle-install': { publish: ['STEP_INTERNAL_UNKNOWN'] },
    'step-heroku-deploy': { publish: ['STEP_INTERNAL_UNKNOWN'] },
    'step-kubectl': { publish: ['STEP_INTERNAL_UNKNOWN'] },
  });
});

test('probes: what was understood is understood the same', { skip }, () => {
  for (const name of [
    '01-steps-null',
    '02-build-null',
    '06-script-misindent',
    '12-anchors',
    '13-toplevel-junk',
    '14-timeouts',
    '26-reserved-opts',
    '28-workflows',
    '34-bom-crlf',
    '36-null-target2',
  ])
    sameAs(name, 'wercker-probes');
  sameAs('07-target-misindent', 'wercker-probes', new Set(['production']));
  sameAs('08-extra-key-scalar', 'wercker-probes');
  sameAs('30-docker', 'wercker-probes');
});

test('probes: what was dropped, lost or crashed is a Problem, and what was clear is understood', { skip }, () => {
  const refused = Object.fromEntries(
    filesOf('wercker-probes')
      .map((name) => [name.slice(0, 2), refusals('wercker-probes', name)])
      .filter(([, codes]) => Object.keys(codes ?? {}).length > 0),
  );
  assert.deepEqual(refused, {
    '02': { build: ['EMPTY_VALUE'] },
    '04': { build: ['WRONG_TYPE'] },
    '05': { build: ['WRONG_TYPE', 'WRONG_TYPE'] },
    '08': { build: ['UNKNOWN_KEY'] },
    '09': { '*': ['WRONG_TYPE'] },
    '10': { '*': ['EMPTY_VALUE'] },
    '11': { '*': ['WRONG_TYPE', 'WRONG_TYPE', 'WRONG_TYPE'] },
    '15': { '*': ['WRONG_VALUE', 'LIMIT_UNUSED'] },
    '16': { '*': ['EMPTY_VALUE'] },
    '17': { '*': ['EMPTY_VALUE'] },
    '18': { '*': ['WRONG_TYPE'] },
    '19': { '*': ['WRONG_TYPE'] },
    '20': { '*': ['YAML_TAB'] },
    '21': { '*': ['DUPLICATE_KEY'] },
    '22': { build: ['EMPTY_STEP'] },
    '23': { build: ['WRONG_TYPE'] },
    '24': { build: ['WRONG_TYPE'] },
    '25': { '*': ['YAML_SEVERAL_DOCUMENTS'] },
    '27': { build: ['WRONG_TYPE', 'WRONG_TYPE'] },
    '29': { Build: ['UNKNOWN_KEY'], build: ['UNKNOWN_KEY', 'UNKNOWN_KEY'] },
    '30': { b3: ['WRONG_VALUE'] },
    '31': { build: ['EMPTY_STEP', 'EMPTY_STEP'] },
    '32': { '*': ['YAML_ALIAS'] },
    '33': { '*': ['YAML_TAG'] },
    '35': { deploy: ['UNKNOWN_KEY'] },
    '37': { deploy: ['EMPTY_STEP'] },
    '38': { build: ['WRONG_TYPE'], deploy: ['WRONG_TYPE'] },
    '39': { '*': ['DUPLICATE_KEY'] },
    '40': { '*': ['YAML_SYNTAX'] },
    '41': { build: ['WRONG_TYPE'] },
  });
  assert.equal(filesOf('wercker-probes').length, 41);
});
