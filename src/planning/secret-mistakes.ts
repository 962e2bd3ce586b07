import { isTooShort, shortestSecretBytes } from '../engine/redact/forms.ts';
import { type EnvEntry, parseEnvFile } from './parse-env-file.ts';

/** What is wrong with a text of secrets, a sentence each, in the order of its lines. No sentence repeats a value. */
export const mistakesIn = (text: string): readonly string[] => {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const mistakes: string[] = [];
  for (;;) {
    const parsed = parseEnvFile(lines.join('\n'));
    if (parsed.ok) {
      return [...mistakes, ...parsed.entries.flatMap(mistakeOf)];
    }
    mistakes.push(`Line ${parsed.line} is not NAME=value.`);
    lines[parsed.line - 1] = '';
  }
};

const mistakeOf = ({ name, value }: EnvEntry): readonly string[] => {
  if (value === undefined) return [`${name} has no value.`];
  if (value === '' || !isTooShort(value)) return [];
  return [`${name} is shorter than ${shortestSecretBytes} bytes: it could not be kept out of a log.`];
};
