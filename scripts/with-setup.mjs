import { spawn } from 'node:child_process';
import { delimiter, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { defaultSocket } from './setup/engine-address.mjs';
import { root } from './setup/root.mjs';
import { orExplain, setup } from './setup.mjs';

/**
 * node scripts/with-setup.mjs [--no-engine | --tests] <script> [--] [argument …]: sets up, then runs the script with the project's Node.
 * `--tests`: with what only tests need.
 */
const [first, ...rest] = process.argv.slice(2);
const engine = first !== '--no-engine';
const tests = first === '--tests';
const [script, ...given] = engine && !tests ? [first, ...rest] : rest;
if (script === undefined) {
  process.stderr.write('usage: node scripts/with-setup.mjs [--no-engine | --tests] <script> [--] [argument …]\n');
  process.exit(2);
}
const args = given[0] === '--' ? given.slice(1) : given;

const { node, host } = await orExplain(() => setup({ engine, tests }));
process.env.PATH = [dirname(node), join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter);
if (host !== undefined && host !== `unix://${defaultSocket}`) process.env.DOCKER_HOST = host;

if (node === process.execPath) {
  process.argv = [node, resolve(script), ...args];
  await import(pathToFileURL(resolve(script)).href);
} else {
  const child = spawn(node, [script, ...args], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      const terminalSentItToo = signal === 'SIGINT' && process.stdin.isTTY;
      if (!terminalSentItToo) child.kill(signal);
    });
  }
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
