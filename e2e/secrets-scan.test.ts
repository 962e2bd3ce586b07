import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect } from '../src/runtimes/docker/engine/connect.ts';
import { findEndpoint } from '../src/runtimes/docker/engine/endpoint.ts';
import { cion as anyCion, startCion } from './cli.ts';
import { commit, directory, repository, writeFiles } from './repository.ts';

const namespace = `e2e-scan-${process.pid}`;
const engine = await connect(findEndpoint(process.env), AbortSignal.timeout(30_000));
after(async () => {
  await engine.close();
  await anyCion(['clean', '--all-projects'], { cwd: tmpdir(), env: { CION_NAMESPACE: namespace } });
});

const secrets = {
  environment: 'from the environment: é\'"\\ $HOME <&> %41',
  envFile: 'from-an-env-file+/=~',
  inText: 'encrypted in the text, "quoted"',
  inFile: 'first line of the file of secrets\nsecond line / of it',
  service: 'for-the-service-only-0815',
  output: 'a sensitive output, 42 % of it',
};

const needles = Object.values(secrets).flatMap((secret) => {
  const forms = [secret, ...secret.split('\n'), JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)];
  const bytes = Buffer.from(secret);
  const base64 = [0, 1, 2].map((offset) =>
    Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .slice(4, -4),
  );
  return [...forms, bytes.toString('hex'), ...base64];
});
const assertClean = (where: string, content: Buffer | string): void => {
  const bytes = Buffer.from(content);
  for (const needle of needles) assert.equal(bytes.indexOf(needle), -1, `${where} shows ${needle}`);
};

const show =
  'for value in "$A" "$B" "$C" "$D" "$E"; do echo "$value"; printf %s "$value" | base64; printf %s "$value" | hexdump -v -e \'/1 "%02x"\'; echo; done';

test('secrets of every kind are plain in the container alone: not in the project, the engine’s records, process lists or messages (R-DCK-35, R-DCK-53, R-DCK-82, R-DCK-83)', async (t) => {
  const config = directory(t);
  const env = { CION_NAMESPACE: namespace, XDG_CONFIG_HOME: config, FROM_ENVIRONMENT: secrets.environment };
  const cwd = repository(t);
  const cion = (args: readonly string[], input?: string) => anyCion(args, { cwd, env, ...(input === undefined ? {} : { input }) });
  assert.equal((await cion(['secret', 'keygen'])).code, 0);
  const encrypted = await cion(['secret', 'encrypt'], secrets.inText);
  const forService = await cion(['secret', 'encrypt'], secrets.service);
  const variable = (text: string): object => ({
    encrypted: text
      .split('\n')
      .slice(1)
      .map((line) => line.trim())
      .join('\n'),
  });
  const given = {
    A: { secret: 'FROM_ENVIRONMENT' },
    B: { secret: 'FROM_ENV_FILE' },
    C: variable(encrypted.out),
    D: { secret: 'FROM_FILE' },
  };
  const service = {
    image: 'busybox:latest',
    cmd: ['sh', '-c', 'echo "service has ${#POSTGRES_PASSWORD}"; exec sleep 600'],
    env: { POSTGRES_PASSWORD: variable(forService.out) },
  };
  writeFiles(cwd, {
    '.cion.yml': JSON.stringify({
      stages: {
        secretive: {
          image: 'busybox:latest',
          env: { T: { outside: 'TEXT_OF_OUTPUT' } },
          cmd: 'printf %s "a sensitive output, "; printf %s "$T"',
          sensitive: true,
        },
        noisy: {
          image: 'busybox:latest',
          needs: ['secretive'],
          env: { ...given, E: { output: 'secretive' } },
          services: { db: service },
          cmd: `${show}; ${show} >&2; echo "lengths \${#A} \${#B} \${#C} \${#D} \${#E}"; ls /nowhere/"$B"; echo ready; exec sleep 600`,
        },
      },
    }),
    'secrets.env': `FROM_ENV_FILE=${secrets.envFile}\n`,
  });
  const edited = await anyCion(['secret', 'edit'], {
    cwd,
    env: { ...env, EDITOR: `printf '%s' "$TEXT" >`, TEXT: `FROM_FILE="${secrets.inFile}"\n` },
  });
  assert.equal(edited.code, 0, edited.err);
  const envFile = join(directory(t, { 'secrets.env': readFileSync(join(cwd, 'secrets.env')) }), 'secrets.env');
  execFileSync('rm', [join(cwd, 'secrets.env')]);
  commit(cwd);

  const run = startCion(['run', '--env-file', envFile, '-e', 'TEXT_OF_OUTPUT=42 % of it'], { cwd, env });
  await run.wrote('| ready');
  const filters = JSON.stringify({ label: [`cion.namespace=${namespace}`] });
  const get = (path: string, query = {}) => engine.json<unknown>('GET', path, { query });
  const containers = (await get('/containers/json', { all: true, filters })) as readonly { Id: string; ImageID: string; State: string }[];
  assert.ok(containers.length >= 3, 'stage, service and what holds their network');
  for (const { Id, ImageID, State } of containers) {
    assertClean('a container', JSON.stringify(await get(`/containers/${Id}/json`)));
    assertClean('an image', JSON.stringify([await get(`/images/${ImageID}/json`), await get(`/images/${ImageID}/history`)]));
    if (State === 'running') assertClean('a process list', JSON.stringify(await get(`/containers/${Id}/top`, { ps_args: '-eo pid,args' })));
  }
  for (const path of ['/volumes', '/networks', '/images/json']) assertClean(path, JSON.stringify(await get(path, { filters })));
  assertClean('the command line', readFileSync(`/proc/${run.process.pid}/cmdline`));

  run.process.kill('SIGINT');
  await run.wrote('press again to force');
  run.process.kill('SIGINT');
  const { code, stdout, stderr } = await run.ended;
  assert.equal(code, 130);
  const lengths = [secrets.environment, secrets.envFile, secrets.inText, secrets.inFile, secrets.output].map((text) =>
    Buffer.byteLength(text),
  );
  assert.match(stdout.toString(), new RegExp(`lengths ${lengths.join(' ')}`), 'every value reached the container');
  assertClean('stdout', stdout);
  assertClean('stderr', stderr);
  const files = globSync('**/*', { cwd: join(cwd, '.cion'), withFileTypes: true }).filter((entry) => entry.isFile());
  assert.ok(files.some(({ name }) => name === 'noisy.log') && !files.some(({ name }) => name === 'secretive.log'));
  for (const { parentPath, name } of files) assertClean(name, readFileSync(join(parentPath, name)));
  for (const args of [
    ['show', '--json'],
    ['logs', '1', 'noisy'],
    ['plan', '--json'],
    ['resume', '--debug'],
  ]) {
    const said = await cion(args);
    assertClean(args.join(' '), said.out + said.err);
  }
});
