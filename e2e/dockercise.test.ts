import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cion as anyCion } from './cli.ts';
import { printingImages } from './printing-images.ts';
import { directory, repository } from './repository.ts';

/** `*.dockercise.yaml` through the real command line. */
const namespace = `e2e-dockercise-${process.pid}`;
const env = { CION_NAMESPACE: namespace };
const cion = (cwd: string, ...args: readonly string[]) => anyCion(args, { cwd, env });
const launcher = fileURLToPath(new URL('../bin/dockercise', import.meta.url));
const { PATH, HOME, DOCKER_HOST } = process.env;
const dockercise = (cwd: string, ...args: readonly string[]) =>
  spawnSync(launcher, args, { cwd, encoding: 'utf8', env: { PATH, HOME, DOCKER_HOST } });

const { printing, remove } = printingImages(namespace);
after(async () => {
  await cion(tmpdir(), 'clean', '--all-projects');
  remove();
});

const edges = async (cwd: string, ...args: readonly string[]): Promise<readonly string[]> => {
  const { code, out, err } = await cion(cwd, 'plan', '--json', ...args);
  assert.equal(code, 0, err);
  const { plan } = JSON.parse(out) as { plan: { nodes: readonly { name: string; needs: readonly { node: string }[] }[] } };
  return plan.nodes.flatMap(({ name, needs }) => (needs.length === 0 ? [name] : needs.map(({ node }) => `${node} → ${name}`)));
};

const a = 'a: { img: busybox }\n';

test('files are found at three depths, and not in node_modules, .git or through links (R-DCK-78, R-DCO-08)', async (t) => {
  const elsewhere = directory(t, { 'linked.dockercise.yaml': 'linked: { img: busybox }\n' });
  const cwd = repository(t, {
    'a.dockercise.yaml': a,
    'sub/b.dockercise.yaml': 'b: { img: busybox, after: a }\n',
    'sub/sub/dockercise.yaml': 'c: { img: busybox, after: b }\n',
    'node_modules/x/x.dockercise.yaml': 'x: { img: busybox }\n',
  });
  symlinkSync(elsewhere, join(cwd, 'link'));
  assert.deepEqual(await edges(cwd), ['a', 'a → b', 'b → c']);
  assert.deepEqual(await edges(cwd, '--commit', 'main'), ['a', 'a → b', 'b → c']);
});

test('a project without any configuration has nothing to do, and ends with 0 (R-DCK-51)', async (t) => {
  const cwd = repository(t, { 'README.md': '' });
  for (const result of [await cion(cwd, 'run'), await cion(cwd, 'check'), await cion(cwd, 'plan')]) {
    assert.equal(result.code, 0);
    assert.match(result.out + result.err, /nothing to (do|check|plan): .*no \.cion\.yml and no \*\.dockercise\.yaml/);
    assert.doesNotMatch(result.out + result.err, /\n\s+at /);
  }
  const { status, stdout } = dockercise(cwd);
  assert.deepEqual([status, /nothing to do: .*no \*\.dockercise\.yaml/.test(stdout)], [0, true]);
});

test('.cion.yml goes first, --dialect chooses, and an unknown dialect is refused with the nearest', async (t) => {
  const cwd = repository(t, { '.cion.yml': 'build: { image: busybox }\n', 'a.dockercise.yaml': a });
  assert.deepEqual(await edges(cwd), ['build']);
  assert.deepEqual(await edges(cwd, '--dialect', 'dockercise'), ['a']);
  assert.match((await cion(cwd, 'check', '--dialect', 'dockercise')).out, /a\.dockercise\.yaml: no problems/);
  const run = await cion(cwd, 'run', '--dialect', 'dockercise', '--runtime', 'fake', '--json');
  assert.equal(run.code, 0, run.err);
  assert.match(run.out, /"stage":"a"/);
  for (const command of ['run', 'plan', 'check']) {
    const { code, err } = await cion(cwd, command, '--dialect', 'dockercize');
    assert.deepEqual([code, /DIALECT_UNKNOWN/.test(err), /Did you mean "dockercise"/.test(err)], [2, true, true], command);
  }
});

test('dockercise without a command runs, and draws with graph (R-DCK-03, R-DCK-52)', (t) => {
  const cwd = repository(t, {
    'a.dockercise.yaml': `${a}b: { img: busybox, run: "cat {a}" }\n`,
    '.cion.yml': 'build: { image: busybox }\n',
  });
  const graph = dockercise(cwd, 'graph');
  assert.match(graph.stdout, /^a ─+▶ b$/m);
  const run = dockercise(cwd, '--runtime', 'fake', '--plain', 'a');
  assert.equal(run.status, 0, run.stderr);
  const typo = dockercise(cwd, 'typo', '--runtime', 'fake');
  assert.deepEqual([typo.status, /TARGET_UNKNOWN/.test(typo.stderr)], [2, true]);
  assert.match(dockercise(cwd, '--help').stdout, /^Usage: dockercise/);
});

test('the name of a join is a target: what it joins', async (t) => {
  const cwd = repository(t, {
    'a.dockercise.yaml': `${a}b: { img: busybox }\nc: { img: busybox }\nall: { after: [a, b] }\nlast: { img: busybox, after: all }\n`,
  });
  assert.deepEqual(await edges(cwd, 'all'), ['a', 'b']);
  assert.deepEqual(await edges(cwd, 'last'), ['a', 'b', 'a → last', 'b → last']);
  const { code, out, err } = await cion(cwd, 'run', 'all', '--runtime', 'fake', '--json');
  assert.equal(code, 0, err);
  assert.match(out, /"only":\["a","b"\]/);
});

test('images that print stages are run, two levels deep; one that asks for itself is refused (R-DCK-55)', async (t) => {
  const low = printing('low', `echo 'low: { img: busybox }'`);
  const high = printing('high', `printf '%s\\n' 'meta: { subgraphs: "${low}" }' 'high: { img: busybox, after: low }'; echo told >&2`);
  const cwd = repository(t, { 'a.dockercise.yaml': `meta: { subgraphs: "${high}" }\na: { img: busybox, after: high }\n` });
  assert.deepEqual(await edges(cwd), ['high → a', 'low → high', 'low']);
  assert.match((await cion(cwd, 'check')).out, /no problems, 3 stages/);
  const unreachable = await anyCion(['plan'], { cwd, env: { DOCKER_HOST: 'unix:///nonexistent.sock' } });
  assert.deepEqual([unreachable.code, /SUBGRAPH_UNREAD/.test(unreachable.err)], [2, true]);

  const own = `${namespace}/circle:1`;
  printing('circle', `echo 'meta: { subgraphs: "${own}" }'`);
  const circle = await cion(repository(t, { 'a.dockercise.yaml': `meta: { subgraphs: "${own}" }\n` }), 'run');
  assert.equal(circle.code, 2);
  assert.match(circle.err, /SUBGRAPH_CYCLE/);
  assert.ok(circle.err.includes(`${own} → ${own}`));
});

test('an image that does not print its stages fails the run with what it said, and leaves nothing behind', async (t) => {
  const broken = printing('broken', `echo 'there is no disk' >&2; exit 3`);
  const cwd = repository(t, { 'a.dockercise.yaml': `meta: { subgraphs: "${broken}" }\n` });
  const run = await cion(cwd, 'run');
  assert.equal(run.code, 2);
  assert.match(run.err, /SUBGRAPH_FAILED/);
  assert.match(run.err, /exit code 3: there is no disk/);
  const filters = ['--filter', `label=cion.namespace=${namespace}`, '--filter', 'label=cion.run'];
  assert.equal(execFileSync('docker', ['ps', '--all', '--quiet', ...filters], { encoding: 'utf8' }), '');
});

test('the example of the repository is one plan of two files', async (t) => {
  const cwd = directory(t);
  execFileSync('cp', ['-r', fileURLToPath(new URL('../examples/dockercise/.', import.meta.url)), cwd]);
  assert.ok((await edges(cwd)).includes('create-stack → is-there'));
});
