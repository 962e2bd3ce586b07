import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Plan, PlanNode, Volume } from './plan.ts';
import { planDigest } from './digest.ts';
import { selectionOf } from './graph.ts';
import { reference, stage } from './stage.ts';
import { validatePlan } from './validate.ts';

const image = reference('busybox:latest');
const plan = (nodes: readonly PlanNode[], volumes: readonly Volume[] = []): Plan => ({ version: 1, pipeline: 'p', nodes, volumes });
const needing = (name: string, ...needs: readonly string[]) =>
  stage({ name, image, needs: needs.map((node) => ({ node, on: 'passed' as const })) });
const codes = (given: Plan): readonly string[] => validatePlan(given).map((problem) => problem.code);

describe('validatePlan', () => {
  it('accepts a plan that can be run', () => {
    assert.deepEqual(validatePlan(plan([needing('a'), needing('b', 'a'), needing('snowman-☃', 'a', 'b')])), []);
  });

  it('names the path of a cycle, beginning with what stands first in the text (R-DCK-05)', () => {
    const [problem] = validatePlan(plan([needing('start'), needing('a', 'start', 'c'), needing('b', 'a'), needing('c', 'b')]));
    assert.equal(problem?.code, 'PLAN_CYCLE');
    assert.match(problem?.message ?? '', /a → c → b → a/);
  });

  it('names a stage that needs itself', () => {
    assert.match(validatePlan(plan([needing('a', 'a')]))[0]?.message ?? '', /"a" needs itself/);
  });

  it('finds a cycle at the end of a chain of 100,000 stages without running out of stack', () => {
    const chain = Array.from({ length: 100_000 }, (_, i) => (i === 0 ? needing('s0') : needing(`s${i}`, `s${i - 1}`)));
    assert.deepEqual(codes(plan(chain)), []);
    assert.deepEqual(codes(plan([...chain.slice(1), needing('s0', 's99999')])), ['PLAN_CYCLE']);
  });

  it('suggests the stage that an unknown need may have meant (R-DCK-05)', () => {
    const [problem] = validatePlan(plan([needing('build'), needing('release', 'biuld')]));
    assert.equal(problem?.code, 'PLAN_UNKNOWN_NEED');
    assert.equal(problem?.hint, 'Did you mean "build"?');
  });

  it('refuses two stages of one name, reserved names and names that are paths', () => {
    assert.deepEqual(codes(plan([needing('a'), needing('a')])), ['PLAN_DUPLICATE_STAGE']);
    for (const name of ['fetch', 'fetch.1', 'fetch.12']) assert.deepEqual(codes(plan([needing(name)])), ['PLAN_NAME_RESERVED']);
    assert.deepEqual(codes(plan([needing('fetch.it')])), []);
    for (const name of ['', '.', '..', 'a/b', '../x', 'a\\b', 'line\nbreak', '-rf', 'a@1', 'x'.repeat(101)]) {
      assert.deepEqual(codes(plan([needing(name)])), ['PLAN_NAME_INVALID'], JSON.stringify(name));
    }
  });

  it('lets a gate be called human-click, and no stage', () => {
    const gate = (name: string): PlanNode => ({ kind: 'gate', name, needs: [], waitsFor: { kind: 'person', who: [] } });
    assert.deepEqual(
      codes({ ...plan([needing('build', 'human-click')]), nodes: [gate('human-click'), needing('build', 'human-click')] }),
      [],
    );
    assert.deepEqual(codes(plan([needing('human-click')])), ['PLAN_NAME_RESERVED']);
    assert.deepEqual(codes({ ...plan([]), nodes: [gate('fetch')] }), ['PLAN_NAME_RESERVED']);
  });

  it('refuses a volume that two stages may use at once while one writes, and allows it when they are ordered', () => {
    const mounting = (name: string, access: 'read-write' | 'read-only' | 'copy', ...needs: readonly string[]) => ({
      ...needing(name, ...needs),
      mounts: [{ kind: 'volume', volume: 'work', path: '/w', access } as const],
    });
    const volumes: readonly Volume[] = [{ name: 'work', from: 'source' }];
    assert.deepEqual(codes(plan([mounting('a', 'read-write'), mounting('b', 'read-only')], volumes)), ['PLAN_PARALLEL_WRITE']);
    assert.deepEqual(codes(plan([mounting('a', 'read-write'), mounting('b', 'read-write')], volumes)), ['PLAN_PARALLEL_WRITE']);
    assert.deepEqual(codes(plan([mounting('a', 'read-only'), mounting('b', 'copy')], volumes)), []);
    assert.deepEqual(codes(plan([mounting('a', 'read-write'), needing('m', 'a'), mounting('b', 'read-write', 'm')], volumes)), []);
  });

  it('refuses mounts of unknown volumes, at relative paths, and two at one place', () => {
    const at = (path: string, volume = 'v') => ({ kind: 'volume', volume, path, access: 'read-only' }) as const;
    const volumes: readonly Volume[] = [{ name: 'v', from: 'empty' }];
    assert.deepEqual(codes(plan([{ ...needing('a'), mounts: [at('/x', 'w')] }], volumes)), ['PLAN_UNKNOWN_VOLUME']);
    assert.deepEqual(codes(plan([{ ...needing('a'), mounts: [at('x')] }], volumes)), ['PLAN_MOUNT_PATH']);
    assert.deepEqual(codes(plan([{ ...needing('a'), mounts: [at('/x/../etc')] }], volumes)), ['PLAN_MOUNT_PATH']);
    assert.deepEqual(codes(plan([{ ...needing('a'), mounts: [at('/x'), at('/x')] }], volumes)), ['PLAN_MOUNT_PATH']);
  });

  it('refuses the output of a stage that is no ancestor', () => {
    const reader = { ...needing('reader'), env: { TOKEN: { kind: 'output', stage: 'login' } as const } };
    assert.deepEqual(codes(plan([needing('login'), reader])), ['PLAN_NOT_AN_ANCESTOR']);
    assert.deepEqual(codes(plan([needing('login'), { ...reader, needs: [{ node: 'login', on: 'passed' }] }])), []);
  });
});

describe('planDigest', () => {
  it('does not depend on where the text says things nor on the order of keys, but on what is said', () => {
    const range = { file: '.cion.yml', start: { line: 3, column: 1 }, end: { line: 4, column: 1 } };
    const bare = plan([needing('a')]);
    const [node] = bare.nodes;
    assert.ok(node);
    assert.equal(planDigest(plan([{ ...node, range }])), planDigest(bare));
    assert.equal(planDigest({ volumes: [], nodes: bare.nodes, pipeline: 'p', version: 1 }), planDigest(bare));
    assert.notEqual(planDigest(plan([{ ...needing('a'), env: { range: { kind: 'literal', value: 'x' } } }])), planDigest(bare));
  });
});

describe('selectionOf', () => {
  it('takes the targets and all they need, in the order of the plan (R-DCK-85)', () => {
    assert.deepEqual(selectionOf(plan([needing('a'), needing('b', 'a'), needing('c', 'b'), needing('d', 'a')]), ['c']), ['a', 'b', 'c']);
  });

  it('refuses the image or the files of a stage that leaves none, and of one that is not sure to have ended', () => {
    const runs = (name: string, ...needs: readonly string[]) => ({
      ...needing(name, ...needs),
      image: { kind: 'stage' as const, stage: 'a' },
    });
    const mounts = (name: string, ...needs: readonly string[]) => ({
      ...needing(name, ...needs),
      mounts: [{ kind: 'artifacts' as const, stage: 'a', path: '/in' }],
    });
    assert.deepEqual(codes(plan([needing('a'), runs('b', 'a'), mounts('c', 'a')])), ['PLAN_NO_IMAGE', 'PLAN_NO_ARTIFACTS']);
    const leaving = { ...needing('a'), commit: { names: [] }, artifacts: { volume: 'v' } };
    const volumes = [{ name: 'v', from: 'empty' as const }];
    assert.deepEqual(codes(plan([leaving, runs('b', 'a'), mounts('c', 'a')], volumes)), []);
    assert.deepEqual(codes(plan([leaving, runs('b'), mounts('c')], volumes)), ['PLAN_NOT_AN_ANCESTOR', 'PLAN_NOT_AN_ANCESTOR']);
  });

  it('refuses a stage called as the log of another one’s done', () => {
    const create = { ...needing('create'), done: { command: { kind: 'image' as const }, timeouts: {} } };
    assert.deepEqual(codes(plan([create, needing('create.done')])), ['PLAN_NAME_RESERVED']);
    assert.deepEqual(codes(plan([needing('create'), needing('create.done')])), []);
  });
});
