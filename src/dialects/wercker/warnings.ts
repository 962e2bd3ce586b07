import type { Problem } from '../../plan/problem.ts';

/** What is told and keeps no plan from running: where the file means something that has no place here. */
export const warningCodes: ReadonlySet<string> = new Set([
  'CHECKPOINT_UNUSED',
  'CONFIG_UNUSED',
  'DOCKER_ACCESS',
  'KEY_UNUSED',
  'LIMIT_UNUSED',
  'LOGIN_UNUSED',
  'OPTION_COMMAND',
  'OPTION_TYPE',
  'OPTION_UNKNOWN',
  'SCRIPT_EMPTY',
  'SHEBANG_UNUSED',
  'STEP_INDENTATION',
  'STEP_MANIFEST_UNREAD',
  'WORKFLOW',
]);

/** A whole file may be indented so: that is told once. */
export const together = (problems: readonly Problem[]): readonly Problem[] => {
  const indented = problems.filter(({ code }) => code === 'STEP_INDENTATION');
  const [first] = indented;
  if (first === undefined || indented.length === 1) return problems;
  const once = { ...first, message: `${first.message} So it is in ${indented.length} places.` };
  return [once, ...problems.filter(({ code }) => code !== 'STEP_INDENTATION')];
};
