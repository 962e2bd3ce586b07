/**
 * Text that is safe to show on a terminal, on one line: control characters, line ends, direction marks and other invisible characters
 * are made visible, so that no text of a stranger moves the cursor, changes colours or hides a part of itself.
 */
export const printable = (text: string): string => text.replace(unsafe, visible);

const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu;

const visible = (character: string): string => {
  const code = character.codePointAt(0) ?? 0;
  if (isJoiner(code)) return character;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return code < 0x100 ? `\\x${hex(code, 2)}` : `\\u{${hex(code, 4)}}`;
};

/** The zero-width joiner holds emoji together. */
const isJoiner = (code: number): boolean => code === 0x200d;

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');
