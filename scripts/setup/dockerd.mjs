import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { SetupError } from './setup-error.mjs';
import { run, which } from './shell.mjs';

const log = '/var/log/cion-dockerd.log';
const patienceMs = 60_000;
const betweenPingsMs = 100;

/** Starts the installed dockerd, by systemd where that runs, else as a process of its own that outlives this one. */
export const startDockerd = async (engine, say) => {
  if (existsSync('/run/systemd/system')) {
    say('starting Docker (systemctl start docker)');
    const { code, output } = await run('systemctl', ['start', 'docker']);
    if (code !== 0) throw new SetupError(`systemd could not start Docker:\n${output.trimEnd()}`);
    return untilItAnswers(engine, () => undefined);
  }
  forgetTheDead('/var/run/docker.pid', 'dockerd');
  forgetTheDead('/var/run/docker/containerd/containerd.pid', 'containerd');
  if (existsSync('/var/run/docker.pid')) return untilItAnswers(engine, () => undefined);

  const output = openSync(log, 'a');
  const daemon = spawn(which('dockerd'), [], { cwd: '/', detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  let end;
  daemon.on('error', (error) => (end = error.message));
  daemon.on('exit', (code, signal) => (end = `it ended with ${signal ?? code}`));
  daemon.unref();
  say(`starting dockerd (process ${daemon.pid}, log in ${log})`);
  return untilItAnswers(engine, () => end);
};

/** A pid file that a killed daemon left behind names nobody, or somebody else, and keeps the next from starting. */
const forgetTheDead = (pidFile, name) => {
  try {
    const pid = readFileSync(pidFile, 'utf8').trim();
    if (isProcess(pid, name)) return;
    rmSync(pidFile);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
};

const isProcess = (pid, name) => {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === name;
  } catch {
    return false;
  }
};

const untilItAnswers = async (engine, ended) => {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const trouble = await engine.ping();
    if (trouble === undefined) return;
    const end = ended() ?? (Date.now() > deadline ? `it did not answer within ${patienceMs / 1000} s: ${trouble}` : undefined);
    if (end !== undefined) throw new SetupError(`dockerd does not run here: ${end}.\n${lastLines()}${advice}`);
    await sleep(betweenPingsMs);
  }
};

/** The end of the log without what only says how it goes. */
const lastLines = () => {
  try {
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
    return `${lines
      .filter((line) => !/level=(?:info|debug)/.test(line))
      .slice(-5)
      .join('\n')}\n`;
  } catch {
    return '';
  }
};

const advice = `The whole log is ${log}. In a container without privileges no engine can run: give one from outside, by mounting \
/var/run/docker.sock or by DOCKER_HOST.`;
