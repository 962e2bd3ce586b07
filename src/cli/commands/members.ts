import type { RoleJson } from '../../api/auth.ts';
import { didYouMean } from '../../lib/did-you-mean.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { looks } from '../looks.ts';
import { table } from '../printers/table.ts';
import { visible } from '../printers/visible.ts';
import { Refusal } from '../refusal.ts';
import { openRemoteProject, type RemoteOptions } from '../remote/open-remote.ts';
import { write, writeLines } from '../write.ts';

/** Who was given a role in a project; who has one by its forge, or as an admin, is not among them. */
export const memberList = async (context: Context, { json, ...options }: RemoteOptions & { readonly json?: true }): Promise<ExitCode> => {
  const { api, project } = await openRemoteProject(context, options);
  const members = await api.members(project);
  const rows = members.map(({ name, role }) => [visible(name), role]);
  const none = `Nobody was made a member of ${visible(project)}: it has who may there at its forge, and the admins of the server.`;
  const lines = members.length === 0 ? [none] : table([{ title: 'Member' }, { title: 'Role' }], rows, looks(context));
  await writeLines(context.stdout, json ? members.map((member) => JSON.stringify(member)) : lines);
  return exitCodes.passed;
};

/** Gives a role to who has none, or another one. */
export const memberAdd = async (
  context: Context,
  name: string,
  { role, ...options }: RemoteOptions & { readonly role: RoleJson },
): Promise<ExitCode> => {
  const { api, project } = await openRemoteProject(context, options);
  await api.setMember(project, name, role);
  await write(context.stdout, `${visible(name)} is ${role === 'owner' ? 'an' : 'a'} ${role} of ${visible(project)} now.\n`);
  return exitCodes.passed;
};

export const memberRemove = async (context: Context, name: string, options: RemoteOptions): Promise<ExitCode> => {
  const { api, project } = await openRemoteProject(context, options);
  const known = (await api.members(project)).map((member) => member.name);
  if (!known.includes(name)) {
    const hint = didYouMean(name, known) ?? '"cion members" lists them.';
    throw new Refusal('MEMBER_UNKNOWN', `${JSON.stringify(name)} is no member of ${project}.`, hint);
  }
  await api.removeMember(project, name);
  await write(context.stdout, `${visible(name)} is no member of ${visible(project)} any more.\n`);
  return exitCodes.passed;
};
