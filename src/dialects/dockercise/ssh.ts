import type { InputFile } from '../../plan/plan.ts';
import { type Env, literal } from '../env.ts';
import { sshKeyFile } from './directories.ts';
import type { StageKeys } from './stage-keys.ts';

/** `no`, since older clients do not know `accept-new`, and a fresh container knows no host either way. */
const command = `ssh -i ${sshKeyFile} -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR`;

const speaksSsh = (script: string | undefined): boolean => script !== undefined && /(^|[^\w.-])git@[\w.-]+:|\bssh:\/\//.test(script);

/** The deployment key and how git uses it, for a stage that says so, or names an address of ssh (R-DCO-44). */
export const sshParts = ({ ssh, run, done }: StageKeys): { readonly files: readonly InputFile[]; readonly env: Env } => {
  const isAsked = ssh !== undefined && ssh !== false;
  if (!isAsked && (ssh === false || !(speaksSsh(run?.value) || speaksSsh(done?.value.run)))) return { files: [], env: {} };
  const name = typeof ssh === 'string' ? ssh : 'DEPLOY_KEY';
  const key: InputFile = { path: sshKeyFile, value: { kind: 'secret', name }, private: true, ...(isAsked ? {} : { optional: true }) };
  return { files: [key], env: { GIT_SSH_COMMAND: literal(command) } };
};
