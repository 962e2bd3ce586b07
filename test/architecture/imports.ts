import { withoutProse } from './code.ts';

export type Import = {
  /** `undefined`: not a literal. */
  readonly specifier: string | undefined;
  /** Only types come from it, so that nothing is loaded. */
  readonly typeOnly: boolean;
};

/** Everything that a TypeScript text imports: static, dynamic, re-exported and as types. */
export const importsOf = (text: string): readonly Import[] => {
  const code = withoutProse(text);
  return [
    ...Array.from(code.matchAll(fromClause), ([, kind, clause = '', , specifier]) => ({
      specifier,
      typeOnly: kind !== undefined || hasOnlyTypes(clause),
    })),
    ...Array.from(code.matchAll(bare), ([, , specifier]) => ({ specifier, typeOnly: false })),
    ...Array.from(code.matchAll(dynamic), ([, before, , specifier, after]) => ({
      specifier,
      typeOnly: before === undefined && after !== undefined,
    })),
  ];
};

const fromClause = /^\s*(?:import|export)\s+(type\s+(?!from\b))?([\w$*{][^;'"]*?)\s*from\s*(['"])(.*?)\3/gm;
const bare = /^\s*import\s*(['"])(.*?)\1/gm;
/** `import('x').Name` names a type, unless it is awaited. */
const dynamic = /(await\s+)?\bimport\s*\(\s*(?:(['"])(.*?)\2\s*[,)])?(\s*\.\s*[A-Z])?/g;

const hasOnlyTypes = (clause: string): boolean => {
  const names = /^\{([^]*)\}$/
    .exec(clause.trim())?.[1]
    ?.split(',')
    .filter((name) => name.trim() !== '');
  return names !== undefined && names.length > 0 && names.every((name) => /^\s*type\s/.test(name));
};
