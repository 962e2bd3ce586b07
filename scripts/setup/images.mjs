import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { busyboxFiles } from './busybox.mjs';
import { withLock } from './lock.mjs';
import { root } from './root.mjs';
import { SetupError } from './setup-error.mjs';
import { tar } from './tar.mjs';

/** The images that tests and demo run. Those with a `folder` are built from its Dockerfile, the first comes from a registry or is made. */
const images = [
  { repository: 'busybox', tag: 'latest' },
  { repository: 'cion-example/builder', tag: '1', folder: 'examples/cion/images/builder' },
  { repository: 'cion-example/releaser', tag: '1', folder: 'examples/cion/images/releaser' },
];

const sourcesLabel = 'cion-example.sources';
const registryPatienceMs = 15_000;

export const ensureImages = async (engine, say) => {
  if (await allThere(engine)) return;
  await withLock(
    'cion-setup-images',
    () => say('waiting for another set-up of the images'),
    async () => {
      for (const image of images) if (!(await isThere(engine, image))) await make(engine, image, say);
    },
  );
};

const allThere = async (engine) => (await Promise.all(images.map((image) => isThere(engine, image)))).every(Boolean);

const isThere = async (engine, { repository, tag, folder }) => {
  const { status, text } = await engine.request('GET', `/images/${repository}:${tag}/json`);
  if (status !== 200) return false;
  return folder === undefined || parsed(text)?.Config?.Labels?.[sourcesLabel] === digestOf(context(folder));
};

const make = (engine, image, say) => (image.folder === undefined ? pullOrMake(engine, image, say) : build(engine, image, say));

const pullOrMake = async (engine, image, say) => {
  say(`pulling ${image.repository}:${image.tag}`);
  const query = new URLSearchParams({ fromImage: image.repository, tag: image.tag });
  const trouble = await progress(engine.request('POST', `/images/create?${query}`, { silentMs: registryPatienceMs }));
  if (trouble === undefined) return;
  say(`no registry gives it (${trouble}); making it from this machine's busybox`);
  const source = new URLSearchParams({ fromSrc: '-', repo: image.repository, tag: image.tag, changes: 'CMD ["sh"]' });
  await must(`make ${image.repository}`, engine.request('POST', `/images/create?${source}`, { body: await busyboxFiles(say) }));
};

const build = async (engine, { repository, tag, folder }, say) => {
  say(`building ${repository}:${tag} from ${folder}`);
  const body = context(folder);
  const query = new URLSearchParams({ t: `${repository}:${tag}`, labels: JSON.stringify({ [sourcesLabel]: digestOf(body) }) });
  await must(`build ${repository}`, engine.request('POST', `/build?${query}`, { body }));
};

const context = (folder) =>
  tar(
    readdirSync(join(root, folder))
      .sort()
      .map((path) => fileAt(join(root, folder, path), path)),
  );

const fileAt = (file, path) => ({ path, mode: statSync(file).mode & 0o111 ? 0o755 : 0o644, bytes: readFileSync(file) });

const digestOf = (bytes) => createHash('sha256').update(bytes).digest('hex');

const must = async (what, call) => {
  const trouble = await progress(call);
  if (trouble !== undefined) throw new SetupError(`The engine could not ${what}: ${trouble}`);
};

/** What went wrong, if anything: the engine says so by its status, or in a later line of its answer. */
const progress = async (call) => {
  try {
    const { status, text } = await call;
    if (status !== 200) return parsed(text)?.message ?? `status ${status}`;
    return text
      .split('\n')
      .map((line) => parsed(line)?.error)
      .find((error) => error !== undefined);
  } catch (error) {
    return error.message;
  }
};

const parsed = (line) => {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
};
