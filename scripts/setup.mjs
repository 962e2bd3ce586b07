import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { canInstall, install } from './setup/debian.mjs';
import { dependenciesInstalled, installDependencies } from './setup/dependencies.mjs';
import { ensureEngine } from './setup/engine.mjs';
import { ensureImages } from './setup/images.mjs';
import { withLock } from './setup/lock.mjs';
import { projectNode } from './setup/node.mjs';
import { root } from './setup/root.mjs';
import { SetupError } from './setup/setup-error.mjs';
import { which } from './setup/shell.mjs';
import { ensureTestTools } from './setup/test-tools.mjs';

/**
 * Makes a bare machine fit to work on this project; where everything is there it only looks. Plain JavaScript without a package, for the
 * Node that the machine has. Returns the Node that runs the project and the engine's address.
 */
export const setup = async ({ engine: withEngine, tests = false }) => {
  const say = (line) => process.stderr.write(`setup: ${line}\n`);
  if (!dependenciesInstalled()) {
    await withLock(
      `cion-setup-packages-${root}`,
      () => say('waiting for another set-up of the packages'),
      async () => dependenciesInstalled() || installDependencies(say),
    );
  }
  const node = projectNode();
  if (!withEngine) return { node };
  await ensureGit(say);
  if (tests) await ensureTestTools(say);
  const engine = await ensureEngine(say);
  if (engine !== undefined) await ensureImages(engine, say);
  return { node, host: engine?.host };
};

const ensureGit = async (say) => {
  if (which('git') !== undefined) return;
  if (!canInstall()) throw new SetupError('git is needed and is not installed.');
  await install(say, 'git');
};

/** Ends the process with one clear message where the machine cannot be set up. */
export const orExplain = async (work) => {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`setup: ${error.message}\n`);
    process.exit(1);
  }
};

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await orExplain(() => setup({ engine: !process.argv.includes('--no-engine') }));
  process.stderr.write('setup: ready\n');
}
