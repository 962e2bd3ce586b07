import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { cion as anyCion, startCion } from './cli.ts';
import { commit, directory, repository, writeFiles } from './repository.ts';

const stage = (env: object) => ({ '.cion.yml': JSON.stringify({ build: { image: 'busybox', env: { FAKE_PRINT_ENV: '1', ...env } } }) });

/** A project of somebody who has a key. The fake runtime prints the variables of a stage. */
const project = async (t: TestContext) => {
  const cwd = repository(t);
  const config = directory(t);
  const env = { XDG_CONFIG_HOME: config };
  const cion = (args: readonly string[], more: Readonly<Record<string, string | undefined>> = {}, input = '') =>
    anyCion(args, { cwd, env: { ...env, ...more }, input });
  const { out } = await cion(['secret', 'keygen']);
  const key = join(config, 'cion/age.key');
  const encrypted = async (value: string, ...args: readonly string[]) => {
    const { out } = await cion(['secret', 'encrypt', ...args], {}, value);
    const lines = out.split('\n').map((line) => line.trim());
    return { encrypted: lines.slice(1).join('\n') };
  };
  const keep = (text: string) => cion(['secret', 'edit'], { EDITOR: `printf '%s' "$TEXT" >`, TEXT: text });
  const run = (args: readonly string[] = [], more = {}) => cion(['run', '--runtime', 'fake', ...args], more);
  const masked = async (): Promise<number | undefined> => /^TOKEN=(\*+)$/m.exec((await cion(['logs', 'build'])).out)?.[1]?.length;
  return { cwd, env, cion, recipient: out.trim(), key, encrypted, keep, run, masked };
};

test('keygen writes a key that only its owner can read, says its public half alone and never overwrites', async (t) => {
  const { cion, key, recipient, cwd } = await project(t);
  assert.match(recipient, /^age1[0-9a-z]{58}$/);
  assert.equal(statSync(key).mode & 0o777, 0o600);
  const before = readFileSync(key, 'utf8');
  const again = await cion(['secret', 'keygen']);
  assert.deepEqual([again.code, again.out, /IDENTITY_EXISTS/.test(again.err)], [2, '', true]);
  assert.equal(readFileSync(key, 'utf8'), before);
  const elsewhere = await cion(['secret', 'keygen', '--out', 'another.key']);
  assert.match(readFileSync(join(cwd, 'another.key'), 'utf8'), new RegExp(`^# public key: ${elsewhere.out}AGE-SECRET-KEY-1\\w+\\n$`));
});

test('what encrypt prints stands in the configuration as it is, and its value is masked (R-DCK-53)', async (t) => {
  const { cwd, cion, run, masked } = await project(t);
  const { out } = await cion(['secret', 'encrypt', 'TOKEN'], {}, 'correct horse\n');
  writeFiles(cwd, { '.cion.yml': `build:\n  image: busybox\n  env:\n    FAKE_PRINT_ENV: 1\n${out.replace(/^/gm, '    ').trimEnd()}\n` });
  const { code, err } = await run();
  assert.equal(code, 0, err);
  assert.equal(await masked(), 'correct horse'.length);
});

for (const [what, env, code] of [
  ['no key', { XDG_CONFIG_HOME: '/nowhere' }, 'SECRET_KEY_MISSING'],
  ['another key', 'other', 'SECRET_NOT_FOR_THIS_KEY'],
  ['a mistyped key', { CION_AGE_KEY: `AGE-SECRET-KEY-1${'Q'.repeat(58)}` }, 'SECRET_KEY_INVALID'],
  ['a damaged text', 'damaged', 'SECRET_DAMAGED'],
] as const) {
  test(`with ${what} the run is refused before any container, with the stage and the variable and no plaintext (R-DCK-53)`, async (t) => {
    const { cwd, cion, encrypted, run } = await project(t);
    const good = await encrypted('correct horse');
    const lines = good.encrypted.trimEnd().split('\n');
    const last = Buffer.from(lines.at(-2) ?? '', 'base64').map((byte) => byte ^ 1);
    const bad = [...lines.slice(0, -2), Buffer.from(last).toString('base64'), ...lines.slice(-1)];
    writeFiles(cwd, stage({ TOKEN: env === 'damaged' ? { encrypted: bad.join('\n') } : good }));
    if (env === 'other') await cion(['secret', 'keygen', '--out', 'other.key']);
    const given = typeof env === 'object' ? env : env === 'other' ? { CION_AGE_KEY_FILE: 'other.key' } : {};
    const refused = await run([], given);
    assert.equal(refused.code, 2);
    assert.match(refused.err, new RegExp(`${code}\\n.*TOKEN of "build"`));
    const events = await cion(['show', '--json']);
    assert.doesNotMatch(events.out, /stage\.queued/);
    assert.doesNotMatch(events.out + refused.out + refused.err, /correct horse|AGE-SECRET-KEY-1Q/);
  });
}

test('the key is taken from --identity, CION_AGE_KEY, CION_AGE_KEY_FILE or its usual place, in this order', async (t) => {
  const { cwd, key, encrypted, run } = await project(t);
  writeFiles(cwd, stage({ TOKEN: await encrypted('correct horse') }));
  const nowhere = { XDG_CONFIG_HOME: '/nowhere' };
  const other = { CION_AGE_KEY: `AGE-SECRET-KEY-1${'Q'.repeat(58)}` };
  assert.equal((await run(['--identity', key], { ...nowhere, ...other })).code, 0);
  assert.equal((await run([], { ...nowhere, CION_AGE_KEY: readFileSync(key, 'utf8'), CION_AGE_KEY_FILE: '/nowhere' })).code, 0);
  assert.equal((await run([], { ...nowhere, CION_AGE_KEY_FILE: key })).code, 0);
  const unreadable = await run(['--identity', 'nowhere.key']);
  assert.deepEqual([unreadable.code, /IDENTITY_UNREADABLE/.test(unreadable.err)], [2, true]);
  writeFiles(cwd, { 'public.txt': 'age1qqq\n' });
  assert.match((await run(['--identity', 'public.txt'])).err, /Line 1 of .*IDENTITY_INVALID/);
});

test('no stage is given the key itself', async (t) => {
  const { cwd, key, run } = await project(t);
  writeFiles(cwd, stage({ STOLEN: { outside: 'CION_AGE_KEY' } }));
  assert.match((await run([], { CION_AGE_KEY: readFileSync(key, 'utf8') })).err, /VARIABLE_MISSING/);
});

test('the file of secrets is that of the commit; what is given to the run wins', async (t) => {
  const { cwd, keep, run, masked } = await project(t);
  writeFiles(cwd, stage({ TOKEN: { secret: 'TOKEN' } }));
  assert.equal((await keep('TOKEN=12345678\n')).code, 0);
  commit(cwd);
  assert.equal((await keep('TOKEN=1234567890\n')).code, 0);
  writeFiles(cwd, { 'more.env': 'TOKEN=123456\n' });
  const lengthWith = async (...args: readonly string[]): Promise<number | undefined> => {
    const ran = await run(args);
    assert.equal(ran.code, 0, ran.err);
    return masked();
  };
  assert.equal(await lengthWith('--commit', 'main'), 8);
  assert.equal(await lengthWith(), 10);
  assert.equal(await lengthWith('--env-file', 'more.env'), 6);
  const other = await run([], { XDG_CONFIG_HOME: '/nowhere' });
  assert.match(other.err, /SECRET_KEY_MISSING\n"build" needs the secret TOKEN/);
  assert.equal((await run([], { XDG_CONFIG_HOME: '/nowhere', TOKEN: 'given otherwise' })).code, 0);
});

test('an outside variable that nobody gives may be one of the project’s secrets, and is masked as one', async (t) => {
  const { cwd, keep, run, masked } = await project(t);
  writeFiles(cwd, stage({ TOKEN: { outside: 'TOKEN' } }));
  await keep('TOKEN=12345678\n');
  assert.equal((await run()).code, 0);
  assert.equal(await masked(), 8);
});

test('a re-run needs the key again and says so; with it the secrets are those of its commit', async (t) => {
  const { cwd, cion, encrypted, keep, run, masked } = await project(t);
  writeFiles(cwd, stage({ TOKEN: { secret: 'TOKEN' }, OTHER: await encrypted('correct horse') }));
  await keep('TOKEN=12345678\n');
  commit(cwd);
  assert.equal((await run()).code, 0);
  await keep('TOKEN=1234567890\n');
  commit(cwd);
  const rerun = (more = {}) => cion(['rerun', '1', '--runtime', 'fake'], more);
  const refused = await rerun({ XDG_CONFIG_HOME: '/nowhere' });
  assert.equal(refused.code, 2);
  assert.match(
    refused.err,
    /SECRET_KEY_MISSING\n"build" needs the secret TOKEN[^]*SECRET_KEY_MISSING\nThe encrypted OTHER of "build"[^]*needs it again/,
  );
  assert.equal((await rerun()).code, 0);
  assert.equal(await masked(), 8);
});

test('a run whose process died needs the key again to be resumed, and says so', async (t) => {
  const { cwd, env, cion, encrypted } = await project(t);
  writeFiles(cwd, stage({ FAKE_SLEEP_MS: '600000', TOKEN: await encrypted('correct horse') }));
  const run = startCion(['run', '--runtime', 'fake'], { cwd, env });
  await run.wrote('TOKEN=*************');
  run.process.kill('SIGKILL');
  await run.ended;
  const refused = await cion(['resume', '--runtime', 'fake'], { XDG_CONFIG_HOME: '/nowhere' });
  assert.equal(refused.code, 2);
  assert.match(refused.err, /SECRET_KEY_MISSING\nThe encrypted TOKEN of "build"/);
});

test('edit keeps the clear text in a private file that is gone afterwards, and encrypts to the project’s recipients', async (t) => {
  const { cwd, cion, key, recipient } = await project(t);
  const colleague = await cion(['secret', 'keygen', '--out', 'colleague.key']);
  writeFiles(cwd, { '.cion.recipients': `# us\n${recipient}\n${colleague.out}` });
  const runtime = directory(t);
  const look = join(directory(t), 'look');
  const env = {
    XDG_RUNTIME_DIR: runtime,
    LOOK: look,
    EDITOR: `sh -c 'stat -c %a "$1" "\${1%/*}" > "$LOOK"; echo TOKEN=12345678 >> "$1"' -`,
  };
  const edited = await cion(['secret', 'edit'], env);
  assert.equal(edited.code, 0, edited.err);
  assert.equal(readFileSync(look, 'utf8'), '600\n700\n');
  assert.deepEqual(readdirSync(runtime), []);
  for (const identity of [key, 'colleague.key']) {
    assert.match((await cion(['secret', 'decrypt', '.cion.secrets.age', '--identity', identity])).out, /^TOKEN=12345678$/m);
  }
  const before = readFileSync(join(cwd, '.cion.secrets.age'));
  assert.match((await cion(['secret', 'edit'], { EDITOR: 'true' })).out, /Nothing was changed/);
  assert.equal((await cion(['secret', 'edit'], { ...env, EDITOR: 'sh -c "exit 3"' })).code, 2);
  assert.deepEqual(readFileSync(join(cwd, '.cion.secrets.age')), before);
  assert.deepEqual(readdirSync(runtime), []);
});

test('edit says which lines are wrong and opens the editor again on what was written', async (t) => {
  const { cwd, cion } = await project(t);
  const editor = join(directory(t), 'editor.sh');
  writeFileSync(
    editor,
    'if grep -q "bad line" "$1"; then sed -i "/bad line/d; /^SHORT/d" "$1"; else printf "A=12345\\nbad line\\nSHORT=1\\n" >> "$1"; fi\n',
  );
  const edited = await cion(['secret', 'edit'], { EDITOR: `sh ${editor.replaceAll(' ', '\\ ')}` });
  assert.equal(edited.code, 0, edited.err);
  assert.match(edited.err, /Line 3 is not NAME=value\.\nSHORT is shorter than 4 bytes/);
  assert.match((await cion(['secret', 'decrypt', join(cwd, '.cion.secrets.age')])).out, /\nA=12345\n$/);
});

test('a value comes from stdin and not from an argument; a key given as a recipient and a mistyped one are refused', async (t) => {
  const { cion, key } = await project(t);
  assert.match((await cion(['secret', 'encrypt', 'my secret'])).err, /read from stdin[^]*|USAGE/);
  assert.match((await cion(['secret', 'encrypt'], {}, 'abc')).err, /SECRET_REFUSED/);
  const identity = readFileSync(key, 'utf8').trim().split('\n').at(-1) ?? '';
  const refused = await cion(['secret', 'encrypt', '--to', identity], {}, 'correct horse');
  assert.match(refused.err, /RECIPIENTS_INVALID/);
  assert.doesNotMatch(refused.err, /AGE-SECRET-KEY-1/);
  assert.match((await cion(['secret', 'encrypt', '--to', 'age1qqq'], {}, 'correct horse')).err, /RECIPIENTS_INVALID/);
  assert.match((await cion(['secret', 'encrypt'], { XDG_CONFIG_HOME: '/nowhere' }, 'correct horse')).err, /NO_RECIPIENTS/);
});
