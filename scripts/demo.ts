import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** node scripts/demo.ts: a real commit of examples/cion through build, test and release, and what is known of it afterwards. */
const project = mkdtempSync(join(realpathSync(tmpdir()), 'cion-demo-'));

/** Free of the user's own settings: signatures, hooks, pagers, another name of the first branch. */
const gitEnv = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_PAGER: 'cat',
  GIT_AUTHOR_NAME: 'The keeper',
  GIT_AUTHOR_EMAIL: 'keeper@almanac.example',
  GIT_COMMITTER_NAME: 'The keeper',
  GIT_COMMITTER_EMAIL: 'keeper@almanac.example',
};

const git = (...args: readonly string[]) => visibly('git', ['-c', 'init.defaultBranch=main', ...args], gitEnv);
const cion = (...args: readonly string[]) => visibly(process.execPath, [resolve('bin/cion'), ...args], process.env);

const title = (text: string, command?: string): void => {
  process.stdout.write(`\n── ${text}\n${command === undefined ? '' : `$ ${command}\n`}`);
};

process.exitCode = await demo();

async function demo(): Promise<number> {
  title('A commit of examples/cion in a git repository of its own');
  cpSync('examples/cion', project, { recursive: true });
  for (const args of [
    ['init', '-q'],
    ['add', '-A'],
    ['commit', '-q', '-m', 'The first three pages'],
    ['log', '--stat', '--format=%h %s'],
  ]) {
    const code = await git(...args);
    if (code !== 0) return code;
  }

  const steps: readonly (readonly [string, ...string[]])[] = [
    ['Build, test and release, each in a container of its own', 'run'],
    ['What became of the run', 'show'],
    ['The log of the release', 'logs', '1', 'release'],
    ['The artifacts of the build', 'artifacts', '1', 'build'],
    ['What is deployed where', 'deployments'],
  ];
  for (const [text, ...args] of steps) {
    title(text, `cion ${args.join(' ')}`);
    const code = await cion(...args);
    if (code !== 0) {
      process.stderr.write(`\ncion ${args.join(' ')} ended with ${code}; the project was kept in ${project}\n`);
      return code;
    }
  }
  rmSync(project, { recursive: true, force: true });
  title('That was all: the project, its containers and its results are gone, the images stay.');
  return 0;
}

/** A terminal's Ctrl-C reaches the program too: it decides what follows, and its exit code says so. */
function visibly(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((done, fail) => {
    const child = spawn(file, args, { cwd: project, stdio: 'inherit', env });
    const forward = (): void => void child.kill('SIGTERM');
    const ignore = (): void => undefined;
    process.on('SIGTERM', forward).on('SIGINT', ignore);
    child.on('error', fail);
    child.on('exit', (code) => {
      process.off('SIGTERM', forward).off('SIGINT', ignore);
      done(code ?? 1);
    });
  });
}
