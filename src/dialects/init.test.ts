import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Plan } from '../plan/plan.ts';
import { cionDialect } from './cion/cion.ts';
import { suggestConfig } from './init.ts';

type Files = Readonly<Record<string, string>>;

const suggestedFor = (files: Files): string => suggestConfig(Object.keys(files), (path) => files[path]);

const planFor = (files: Files): Plan => {
  const text = suggestedFor(files);
  const compiled = cionDialect.compile([{ path: '.cion.yml', bytes: Buffer.from(text) }]);
  if (compiled.ok) return compiled.plan;
  throw new Error(`${compiled.problems.map(({ message }) => message).join('\n')}\n${text}`);
};

/** By stage: the image and the script. */
const summaryOf = (files: Files): Readonly<Record<string, string>> =>
  Object.fromEntries(
    planFor(files).nodes.flatMap((node) =>
      node.kind === 'stage' && node.image.kind === 'reference' && node.command.kind === 'shell'
        ? [[node.name, `${node.image.reference}: ${node.command.script}`]]
        : [],
    ),
  );

test('suggests what fits each kind of project', () => {
  const expected: readonly (readonly [Files, string, RegExp, RegExp | undefined])[] = [
    [
      { 'package.json': '{"scripts":{"build":"tsc","test":"node --test"}}', 'package-lock.json': '' },
      'node:24',
      /npm ci\nnpm run build/,
      /npm run test/,
    ],
    [
      { 'package.json': '{"scripts":{"test":"jest"}}', 'pnpm-lock.yaml': '', '.nvmrc': 'v22.1.0\n' },
      'node:22',
      /pnpm install/,
      /pnpm run test/,
    ],
    [{ 'package.json': '{}', 'yarn.lock': '' }, 'node:24', /yarn install/, undefined],
    [{ 'package.json': '{}', 'bun.lock': '' }, 'oven/bun:1', /bun install/, undefined],
    [{ 'go.mod': 'module x\n\ngo 1.25.1\n' }, 'golang:1.25', /go build/, /go test/],
    [{ 'Cargo.toml': '' }, 'rust:1', /cargo build/, /cargo test/],
    [{ 'pyproject.toml': '', 'tests/a_test.py': '', '.python-version': '3.13.1' }, 'python:3.13', /-m build/, /pytest/],
    [{ 'requirements.txt': '' }, 'python:3', /pip install -r/, undefined],
    [{ Gemfile: '', 'spec/a_spec.rb': '' }, 'ruby:3', /bundle install/, /rspec/],
    [{ 'pom.xml': '' }, 'maven:3-eclipse-temurin-21', /mvn/, /mvn/],
    [{ 'build.gradle.kts': '', gradlew: '' }, 'eclipse-temurin:21', /gradlew/, /gradlew/],
    [{ 'build.gradle': '' }, 'gradle:8-jdk21', /gradle/, /gradle/],
    [{ 'composer.json': '', 'phpunit.xml': '' }, 'composer:2', /composer install/, /phpunit/],
    [{ Makefile: 'all:\n\tcc a.c\ncheck: all\n' }, 'gcc:15', /make/, /make check/],
    [{ Makefile: 'test := x\n' }, 'gcc:15', /make/, undefined],
    [{ Dockerfile: '' }, 'docker:28-cli', /docker build/, undefined],
    [{ 'README.md': '' }, 'busybox', /echo/, undefined],
    [{}, 'busybox', /echo/, undefined],
  ];
  for (const [files, image, build, tests] of expected) {
    const summary = summaryOf(files);
    assert.ok(summary['build']?.startsWith(`${image}: `), `${summary['build']}`);
    assert.match(summary['build'] ?? '', build);
    if (tests === undefined) assert.equal(summary['test'], undefined);
    else assert.match(summary['test'] ?? '', tests);
  }
});

test('leaves the test script of npm init out', () => {
  assert.equal(summaryOf({ 'package.json': '{"scripts":{"test":"echo \\"Error: no test specified\\" && exit 1"}}' })['test'], undefined);
});

test('looks at the root only', () => {
  assert.match(suggestedFor({ 'sub/package.json': '{}', 'go.mod': '' }), /suggested by go\.mod/);
});

test('compiles whatever the files hold, also with its commented sections switched on', () => {
  const names = [
    'package.json',
    'go.mod',
    'pyproject.toml',
    '.nvmrc',
    '.python-version',
    'Gemfile',
    '.ruby-version',
    'Makefile',
    'Dockerfile',
    'pnpm-lock.yaml',
  ];
  const content = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom('go 1.2: x', '22: {', '{"scripts": null}', '{"scripts": {"build": {"toString": 1}}}', 'null'),
  );
  fc.assert(fc.property(fc.dictionary(fc.constantFrom(...names), content), (files) => void planFor(files)));
  const switchedOn = suggestedFor({}).replace(/^# (?=(?:test|release):| )/gm, '');
  const compiled = cionDialect.compile([{ path: '.cion.yml', bytes: Buffer.from(switchedOn) }]);
  assert.deepEqual(compiled.ok && compiled.plan.nodes.map(({ name }) => name), ['build', 'test', 'release']);
});
