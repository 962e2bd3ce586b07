import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Plan, Stage } from '../plan/plan.ts';
import { imageCommand, reference, stage } from '../plan/stage.ts';
import type { FoundImage } from '../runtimes/image-finder.ts';
import type { ImagePolicy } from './image-policy.ts';
import { vetImages } from './vet-images.ts';

const planOf = (image: string, services: readonly string[] = [], more: Partial<Stage> = {}): Plan => {
  const made = services.map((name) => ({
    name: 's',
    image: reference(name),
    command: imageCommand,
    env: {},
    ports: [],
    privileged: false,
    ready: { kind: 'running', timeoutMs: 1 } as const,
  }));
  return {
    version: 1,
    pipeline: 'build',
    nodes: [stage({ name: 'build', image: reference(image), services: made, ...more })],
    volumes: [],
  };
};

const open: ImagePolicy = { production: false, allowRegistries: ['docker.io'], privateServices: [] };

/** What is known of each image; of others: that they are in their registry. */
const vetted = async (plan: Plan, policy: Partial<ImagePolicy>, known: Readonly<Record<string, FoundImage>> = {}, projects = ['shop']) => {
  const asked: string[] = [];
  const lines: string[] = [];
  const { plan: after, problems } = await vetImages(plan, undefined, {
    policy: { ...open, ...policy },
    find: async (name) => {
      asked.push(name);
      return known[name] ?? { kind: 'registry' };
    },
    projects,
    signal: new AbortController().signal,
    log: (line) => void lines.push(line),
  });
  const [node] = after.nodes;
  assert.ok(node?.kind === 'stage');
  const images = [node, ...node.services].map(({ image }) => (image.kind === 'reference' ? image.reference : ''));
  return { images, codes: problems.map(({ code }) => code), asked, lines };
};

const local: FoundImage = { kind: 'here', fromRegistry: false };
const pulled: FoundImage = { kind: 'here', fromRegistry: true };

for (const [as, plan] of [
  ['box', (image: string) => planOf(image)],
  ['service', (image: string) => planOf('debian', [image])],
] as const) {
  const id = as === 'box' ? '(R-WRK-112, R-WRK-113, R-WRK-114)' : '(R-WRK-115)';
  test(`in production a ${as} is of our registry or of an allowed one, and not of this machine alone ${id}`, async () => {
    const table: readonly (readonly [string, FoundImage, readonly string[]])[] = [
      ['our.example/acme/ruby:1', { kind: 'registry' }, []],
      ['docker.io/acme/ruby', pulled, []],
      ['redis', { kind: 'registry' }, []],
      ['quay.io/acme/ruby', pulled, ['IMAGE_NOT_ALLOWED']],
      ['our.example.evil/acme/ruby', { kind: 'registry' }, ['IMAGE_NOT_ALLOWED']],
      ['acme/made-here', local, ['IMAGE_NOT_ALLOWED']],
    ];
    for (const [image, found, codes] of table) {
      const known = { [image]: found, [`our.example/${image}`]: { kind: 'missing' } as const };
      assert.deepEqual((await vetted(plan(image), { production: true, boxRegistry: 'our.example' }, known)).codes, codes, image);
      assert.deepEqual((await vetted(plan(image), {}, known)).codes, [], `${image}, locally`);
    }
    const listed = { production: true, allowRegistries: ['quay.io/acme'] };
    assert.deepEqual((await vetted(planOf('quay.io/acme/ruby', ['quay.io/other/x']), listed)).codes, ['IMAGE_NOT_ALLOWED']);
  });
}

test('a box and a service that are nowhere are told before anything runs, each asked for once (R-WRK-108, R-WRK-109)', async () => {
  const known: Record<string, FoundImage> = {
    gone: { kind: 'missing' },
    closed: { kind: 'denied' },
    silent: { kind: 'unknown', why: 'no answer' },
  };
  const { codes, asked, lines } = await vetted(planOf('gone', ['gone', 'closed', 'silent']), {}, known);
  assert.deepEqual(codes, ['IMAGE_NOT_FOUND', 'IMAGE_NOT_FOUND', 'IMAGE_DENIED']);
  assert.deepEqual(asked.toSorted(), ['closed', 'gone', 'silent']);
  assert.deepEqual(lines, ['whether there is an image silent is not known: no answer']);
});

test('what a stage of the plan itself makes is not asked for', async () => {
  const known: Record<string, FoundImage> = { 'acme/made:7': { kind: 'missing' } };
  assert.deepEqual((await vetted(planOf('acme/made:7', [], { commit: { names: ['acme/made:{run}'] } }), {}, known)).codes, []);
});

test('an image without a host is taken from our registry first, and from nowhere else when that does not say (R-WRK-09)', async () => {
  const policy = { boxRegistry: 'our.example/boxes' };
  const ours = 'our.example/boxes/wercker/ruby';
  const plan = planOf('wercker/ruby', ['docker.io/redis', 'quay.io/a/b', 'wercker/ruby']);
  const there = await vetted(plan, policy);
  assert.deepEqual(there.images, [ours, 'docker.io/redis', 'quay.io/a/b', ours]);
  assert.deepEqual((await vetted(plan, policy, { [ours]: { kind: 'missing' } })).images[0], 'wercker/ruby');
  assert.deepEqual((await vetted(planOf('wercker/ruby'), policy, { [ours]: { kind: 'unknown', why: 'x' } })).codes, [
    'BOX_REGISTRY_SILENT',
  ]);
  assert.deepEqual((await vetted(planOf('wercker/ruby'), policy, { [ours]: { kind: 'denied' } })).codes, ['IMAGE_DENIED']);
});

test('a private image is a service of the projects that are entitled to it, and nothing else (R-WRK-15)', async () => {
  const policy = { privateServices: [{ image: 'our.example/paid/search', projects: ['github.com/acme/shop'] }] };
  const image = 'our.example/paid/search:2';
  assert.deepEqual((await vetted(planOf('debian', [image]), policy, {}, ['shop', 'github.com/acme/shop'])).codes, []);
  assert.deepEqual((await vetted(planOf('debian', [image]), policy, {}, ['shop'])).codes, ['IMAGE_PRIVATE']);
  assert.deepEqual((await vetted(planOf(image), policy, {}, ['github.com/acme/shop'])).codes, ['IMAGE_PRIVATE']);
});
