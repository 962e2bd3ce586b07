/** A text as the usual programs write it into a URL, into JSON, into a shell command and into HTML or XML. */
export const escapedForms = (text: string): readonly string[] => [
  ...urlForms(text),
  ...jsonForms(text),
  ...shellForms(text),
  ...htmlForms(text),
];

/** Encoders differ in what they leave as it is, in the case of hexadecimal digits and in how they write a space. */
const urlForms = (text: string): readonly string[] => {
  const safe = ['-._~', '-._~/', "-._~!'()*", "-._~!'()*;/?:@&=+$,#", '-._*'];
  return safe.flatMap((characters) => {
    const upper = percentEncoded(text, characters);
    const lower = upper.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
    return [upper, lower, upper.replaceAll('%20', '+'), lower.replaceAll('%20', '+')];
  });
};

const percentEncoded = (text: string, safe: string): string => {
  const isSafe = (byte: number): boolean => /[A-Za-z0-9]/.test(String.fromCharCode(byte)) || safe.includes(String.fromCharCode(byte));
  return Array.from(Buffer.from(text), (byte) =>
    isSafe(byte) ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('');
};

/** Some escape `/`, some what means something in HTML, some all that is not ASCII. */
const jsonForms = (text: string): readonly string[] => {
  const plain = JSON.stringify(text).slice(1, -1);
  const escapes: readonly (readonly [RegExp, (character: string) => string])[] = [
    [/\//g, () => '\\/'],
    [/[<>&\u2028\u2029]/g, unicodeEscape],
    [/[\u007f-\uffff]/g, unicodeEscape],
  ];
  const forms = escapes.reduce<readonly string[]>(
    (forms, [pattern, escape]) => [...forms, ...forms.map((form) => form.replace(pattern, escape))],
    [plain],
  );
  const upper = forms.map((form) => form.replace(/\\u[0-9a-f]{4}/g, (code) => `\\u${code.slice(2).toUpperCase()}`));
  return [...new Set([...forms, ...upper])];
};

const unicodeEscape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** In single quotes, in double quotes, and bare with backslashes. */
const shellForms = (text: string): readonly string[] => [
  text.replaceAll("'", "'\\''"),
  text.replaceAll("'", `'"'"'`),
  text.replace(/["\\$`]/g, '\\$&'),
  text.replace(/[^A-Za-z0-9_@%+=:,./\u0080-\uffff-]/g, '\\$&'),
];

const htmlForms = (text: string): readonly string[] => {
  const inner = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const apostrophes = ["'", '&#39;', '&#x27;', '&apos;', '&#039;'];
  const quotes = ['"', '&quot;', '&#34;'];
  return quotes.flatMap((quote) => apostrophes.map((apostrophe) => inner.replaceAll('"', quote).replaceAll("'", apostrophe)));
};
