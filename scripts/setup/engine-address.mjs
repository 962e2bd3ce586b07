import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The engine that somebody chose, and where: DOCKER_HOST, else Docker's current context. `undefined` when nobody did, and the sockets of
 * this machine are to be tried.
 */
export const chosenEngine = (env = process.env) => {
  if (env.DOCKER_HOST) return { host: env.DOCKER_HOST, by: 'DOCKER_HOST' };
  const folder = env.DOCKER_CONFIG ?? join(env.HOME ?? '/', '.docker');
  const context = env.DOCKER_CONTEXT || readJson(join(folder, 'config.json'))?.currentContext;
  if (!context || context === 'default') return undefined;
  const id = createHash('sha256').update(context).digest('hex');
  const host = readJson(join(folder, 'contexts', 'meta', id, 'meta.json'))?.Endpoints?.docker?.Host;
  return host ? { host, by: `Docker's context ${context}` } : undefined;
};

export const defaultSocket = '/var/run/docker.sock';

/** The engine sockets that exist on this machine. */
export const localSockets = (env = process.env) =>
  [
    defaultSocket,
    env.XDG_RUNTIME_DIR && join(env.XDG_RUNTIME_DIR, 'docker.sock'),
    env.HOME && join(env.HOME, '.docker', 'run', 'docker.sock'),
  ].filter((path) => path && existsSync(path));

const readJson = (file) => {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
};
