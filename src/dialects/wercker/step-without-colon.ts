import type { Problem } from '../../plan/problem.ts';
import type { ConfigFile } from '../dialect.ts';

/** Options below a step that has no colon: YAML calls it anything but that (R-WRK-07). */
export const stepWithoutColon = (problem: Problem, { path, bytes }: ConfigFile): Problem => {
  if (problem.code !== 'YAML_SYNTAX' || problem.range === undefined) return problem;
  const { line } = problem.range.start;
  const lines = new TextDecoder().decode(bytes).split(/\r?\n/);
  for (const at of [line, line - 1]) {
    const [, before, name] = /^(\s*-\s+)([^\s:#"']+)\s*(?:#.*)?$/.exec(lines[at - 1] ?? '') ?? [];
    const [, indent, option] = /^(\s*)([\w.-]+):(?:\s|$)/.exec(lines[at] ?? '') ?? [];
    if (before === undefined || name === undefined || indent === undefined || option === undefined) continue;
    if (indent.length < before.length) continue;
    const column = before.length + 1;
    return {
      code: 'STEP_WITHOUT_COLON',
      message: `"${name}" has the option "${option}" below it, and no colon after it.`,
      hint: `Write "- ${name}:".`,
      range: { file: path, start: { line: at, column }, end: { line: at, column: column + name.length } },
    };
  }
  return problem;
};
