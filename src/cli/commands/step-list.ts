import { builtinNames, builtinStep } from '../../steps/builtin-steps.ts';
import { ourOwner } from '../../steps/step-reference.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { looks } from '../looks.ts';
import { table } from '../printers/table.ts';
import { visible } from '../printers/visible.ts';
import { writeLines } from '../write.ts';
import { openProject } from './open-project.ts';
import { openSteps } from './open-steps.ts';

/** The steps that come with cion, and those that were fetched for the project. */
export const stepList = async (context: Context): Promise<ExitCode> => {
  const { index } = await openSteps(context, await openProject(context), {}, () => undefined);
  const ours = await Promise.all(
    (await builtinNames()).map(async (name) => [`${ourOwner}/${name}`, (await builtinStep(name))?.version ?? '', 'comes with cion']),
  );
  const fetched = Array.from(await index.all(), ([from, { owner, name, version, tree }]) => [
    visible(`${owner}/${name}`),
    visible(version ?? ''),
    visible(from.split(' ')[0] ?? ''),
    `sha256:${tree}`,
  ]);
  const rows = new Map([...ours, ...fetched].map((row) => [row.join(' '), row]));
  const columns = [{ title: 'step' }, { title: 'version' }, { title: 'from', min: 20 }, { title: 'files', min: 19 }];
  await writeLines(context.stdout, table(columns, Array.from(rows.values()), looks(context)));
  return exitCodes.passed;
};
