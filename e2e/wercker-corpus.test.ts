import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { root } from '../scripts/setup/root.mjs';
import { archiveOf, buildImage } from './engine.ts';
import { directory, git, repository } from './repository.ts';
import { werckerFor } from './wercker-project.ts';

/** Public files that are not ours to hand on, read where they lie: in a box whose programs print what they are asked for, and succeed. */
const corpus = join(process.env['CION_CORPUS'] ?? join(root, '../shared/corpus'), 'wercker');
const skip = existsSync(corpus) ? false : 'the public files are not here: CION_CORPUS names their directory';
const undone: (() => Promise<void>)[] = [];
const suite = { after: (undo: () => Promise<void>) => void undone.push(undo) };
const wercker = werckerFor('corpus', suite);

type Case = { readonly pipeline?: string; readonly steps: number; readonly fails?: true; readonly files?: readonly string[] };

/** How many steps begin, besides the setup; and files of the source that its scripts run. */
const cases: Readonly<Record<string, Case>> = {
  '1kastner__firefox_decrypt': { pipeline: 'py3', steps: 2, files: ['tests/run_all'] },
  'dansmithy__simple-wercker-examples.attach-on-error': { steps: 2, fails: true },
  oracle__crashcart: { steps: 2, files: ['build.sh'] },
  'oracle__oci-cloud-controller-manager': { steps: 8, files: ['hack/verify-boilerplate.sh', 'dist/keep'] },
  oracle__smith: { steps: 7 },
  '4ment__sts-test': { steps: 2 },
  'AWooldrige__onmyplate.co.uk': { steps: 4, files: ['output/index.html'] },
  'Abhisheknishant__ci-redis-benchmark': { steps: 1, files: ['ci-base/install.sh', 'install.sh', 'run.sh'] },
};

const programs = ['apt', 'apt-get', 'bundle', 'git', 'go', 'govendor', 'make', 'npm', 'pip'];
const program = `#!/bin/sh
echo "[$(basename "$0") $*]"
while [ $# -gt 0 ]; do
  if [ "$1" = -o ]; then mkdir -p "$(dirname "$2")" && echo made >"$2"; fi
  shift
done
`;

let box = '';
before(async () => {
  if (skip !== false) return;
  const folder = directory({ after: (undo) => void undone.push(undo as () => Promise<void>) });
  writeFileSync(join(folder, 'program'), program);
  const copies = programs.map((name) => `cp /program /bin/${name}`).join(' && ');
  const found = `FROM busybox\nCOPY program /program\nRUN chmod 755 /program && ${copies}\nEXPOSE 6379\nCMD ["sleep", "600"]\n`;
  writeFileSync(join(folder, 'Dockerfile'), found);
  box = await buildImage(suite, `cion-e2e/corpus-${process.pid}`, archiveOf(folder));
});
after(async () => {
  for (const undo of undone.reverse()) await undo();
});

/** Only where the image of a box or a service is named. */
const withBox = (text: string): string =>
  text
    .replace(/^(\s*box:[ \t]+)\S.*$/gm, `$1${box}`)
    .replace(/^(\s*id:[ \t]+)\S.*$/gm, `$1${box}`)
    .replace(/^(services:\n\s*- )redis$/gm, `$1${box}`);

describe('public files run to their end', { skip, concurrency: 2 }, () => {
  for (const [name, { pipeline = 'build', steps, fails, files = [] }] of Object.entries(cases)) {
    it(`${name}: ${pipeline}`, async (t) => {
      const text = withBox(readFileSync(join(corpus, `${name}.yml`), 'utf8'));
      const cwd = repository(t, { 'wercker.yml': text, ...Object.fromEntries(files.map((file) => [file, '#!/bin/sh\necho "[$0 $*]"\n'])) });
      git(cwd, 'update-index', '--chmod=+x', ...files);
      for (const file of files) git(cwd, 'checkout-index', '--force', file);
      git(cwd, 'commit', '--quiet', '--allow-empty', '--message', 'programs');
      await wercker[fails ? 'fails' : 'passes'](cwd, ['build', '--no-commit', '--pipeline', pipeline]);
      assert.equal((await wercker.steps(cwd)).length, steps + 1);
    });
  }
});

it('the example of the repository builds and is deployed from what the build left', async (t) => {
  const cwd = directory(t);
  cpSync(join(root, 'examples/wercker'), cwd, { recursive: true });
  const ruby = await buildImage(t, `cion-e2e/example-${process.pid}`, archiveOf(join(cwd, 'images/ruby')));
  const text = readFileSync(join(cwd, 'wercker.yml'), 'utf8').replace('cion-example/ruby:1', ruby);
  writeFileSync(join(cwd, 'wercker.yml'), text);
  git(cwd, 'init', '--quiet', '--initial-branch=main');
  git(cwd, 'add', '--all');
  git(cwd, 'commit', '--quiet', '--message', 'all');
  const built = await wercker.passes(cwd);
  assert.match(built.out, /\[bundle exec middleman build --verbose\][^]*the build passed/);
  assert.match((await wercker.passes(cwd, ['deploy'])).out, /A page of the example\./);
  assert.match((await wercker.passes(cwd, ['deploy', 'review', '--from', '1'])).out, /on review:[^]*index\.html/);
});
