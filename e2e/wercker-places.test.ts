import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { cion } from './cli.ts';
import { directory, git, repository } from './repository.ts';

const BUILD_ID = `e2e-places-${process.pid}`;
const docker = (...args: readonly string[]): string => execFileSync('docker', args, { encoding: 'utf8' }).trim();
const image = `wercker/${BUILD_ID}:latest`;

after(() => {
  const id = docker('image', 'inspect', '--format', '{{.Id}}', image);
  docker('rmi', '--force', id);
});

const text = `box: busybox
build:
  steps:
    - script:
        name: places
        code: |
          echo "id $BUILD_ID" "dir $BUILD_DIR" "wercker $WERCKER_DIR" "git $GIT_URL" "out $OUTPUT_DIR"
          echo "begins in $(pwd -P), the build's source is $(cd "$BUILD_DIR/source" && pwd -P)"
          echo changed > "$BUILD_DIR/source/README"
          if echo no 2>/dev/null > "$WERCKER_DIR/source/README"; then echo "the mount was written"; fi
          awk '$2 ~ "^/mnt/wercker/" { print $2, substr($4, 1, 2) }' /proc/mounts
          cp README "$OUTPUT_DIR/project-0.15.0.gem"
          [ "$OUTPUT_DIR/project-0.15.0.gem" -ef "$WERCKER_OUTPUT_DIR/project-0.15.0.gem" ] && echo same output
          echo kept > "$WERCKER_REPORT_ARTIFACTS_DIR/kept"
          set -x
    - where "file://where"
`;

test("source, steps and output are where the seed's diagram has them, and the box is named by the build (R-WRK-81, R-WRK-89, R-WRK-90, R-WRK-91, R-WRK-92, R-WRK-93, R-WRK-94, R-WRK-95, R-WRK-96, R-WRK-97, R-WRK-98, R-WRK-160)", async (t) => {
  const cwd = repository(t, {
    'wercker.yml': text,
    README: 'as it was\n',
    'where/run.sh': 'ls "$WERCKER_STEP_ROOT"\n',
  });
  git(cwd, 'remote', 'add', 'origin', 'https://github.com/owner/project.git');
  const build = await cion(['build', '--plain'], { cwd, env: { BUILD_ID } });
  assert.equal(build.code, 0, build.out + build.err);
  const { out, err: why } = await cion(['logs', '1', 'build', '--step', 'script'], { cwd });
  assert.equal(why, '');
  assert.deepEqual(out.trimEnd().split('\n').toSorted(), [
    '/mnt/wercker/cache ro',
    '/mnt/wercker/source ro',
    '/mnt/wercker/where ro',
    `begins in /pipeline/source, the build's source is /pipeline/source`,
    `id ${BUILD_ID} dir /tmp/build/${BUILD_ID} wercker /mnt/wercker git github.com/owner/project out /tmp/build_output`,
    'same output',
  ]);
  const where = await cion(['logs', '1', 'build', '--step', 'where'], { cwd });
  assert.match(where.out, /^run\.sh$/m);
  assert.match(where.out + where.err, /^\+ \. \/mnt\/wercker\/where\/run\.sh$/m);
  assert.equal(readFileSync(join(cwd, 'README'), 'utf8'), 'as it was\n');

  const into = directory(t);
  assert.equal((await cion(['artifacts', 'last', '--extract', into], { cwd })).code, 0);
  assert.equal(readFileSync(join(into, 'project-0.15.0.gem'), 'utf8'), 'changed\n');
  assert.equal((await cion(['artifacts', '--get', 'script/kept'], { cwd })).out, 'kept\n');
  assert.match((await cion(['artifacts', '--steps'], { cwd })).out, /^build, kept by its steps {2}1 file/);

  assert.equal(docker('run', '--rm', image, 'cat', `/tmp/build/${BUILD_ID}/source/README`), 'changed');
});
