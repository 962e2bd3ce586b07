import { canInstall, install } from './debian.mjs';
import { startDockerd } from './dockerd.mjs';
import { chosenEngine, defaultSocket, localSockets } from './engine-address.mjs';
import { engineAt } from './engine-api.mjs';
import { withLock } from './lock.mjs';
import { SetupError } from './setup-error.mjs';
import { which } from './shell.mjs';

/** An engine that answers: the chosen one, else one on this machine, else one that is installed and started here. */
export const ensureEngine = async (say) => {
  const chosen = chosenEngine();
  if (chosen !== undefined) return theChosen(chosen, say);
  const found = await onThisMachine();
  if (found !== undefined) return found;
  if (process.getuid?.() !== 0 || process.platform !== 'linux') throw new SetupError(howToGetOne);
  return withLock(
    'cion-setup-engine',
    () => say('waiting for another set-up of the engine'),
    async () => (await onThisMachine()) ?? (await madeHere(say)),
  );
};

const theChosen = async ({ host, by }, say) => {
  if (!/^(unix|tcp|https?):\/\//.test(host)) {
    say(`${by} gives the engine ${host}, which set-up does not look into; it must have the images`);
    return undefined;
  }
  const engine = engineAt(host);
  const trouble = await engine.ping();
  if (trouble === undefined) return engine;
  throw new SetupError(`${by} gives the engine ${host}, but it does not answer (${trouble}). Start it, or take that setting away.`);
};

const onThisMachine = async () => {
  for (const socket of localSockets()) {
    const engine = engineAt(`unix://${socket}`);
    const trouble = await engine.ping();
    if (trouble === undefined) return engine;
    if (trouble.includes('EACCES')) {
      throw new SetupError(
        `You may not use ${socket}. Join its group (sudo usermod -aG docker $USER, then log in again) or set DOCKER_HOST.`,
      );
    }
  }
  return undefined;
};

const madeHere = async (say) => {
  if (which('dockerd') === undefined) {
    if (!canInstall()) throw new SetupError(howToGetOne);
    await install(say, 'docker.io');
  }
  const engine = engineAt(`unix://${defaultSocket}`);
  await startDockerd(engine, say);
  return engine;
};

const howToGetOne = `No Docker Engine answers, and set-up can only install one as root on Debian or Ubuntu. Install it \
(Debian and Ubuntu: sudo apt-get install docker.io; others: https://docs.docker.com/engine/install/) and start it, or set DOCKER_HOST \
to the address of one, for example DOCKER_HOST=tcp://build-machine:2375, and run this again.`;
