import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formsOf } from './forms.ts';
import { redactorsFor } from './redactor.ts';

/** Encoders of their own, not those that the redactor looks with. `apply` is true to each character, or to the bytes. */
type Encoding =
  | { readonly name: string; readonly kind: 'characters'; readonly apply: (text: string) => string }
  | { readonly name: string; readonly kind: 'base64' | 'hex'; readonly apply: (bytes: Buffer) => string };

const characters = (name: string, apply: (text: string) => string): Encoding => ({ name, kind: 'characters', apply });
const lowerCodes = (text: string): string => text.replace(/%../g, (code) => code.toLowerCase());
const strict = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);
const ascii = (text: string): string =>
  Array.from({ length: text.length }, (_, i) => text.charCodeAt(i))
    .map((unit) => (unit > 126 ? `\\u${`000${unit.toString(16)}`.slice(-4)}` : String.fromCharCode(unit)))
    .join('');
const entity: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

const encodings: readonly Encoding[] = [
  characters('raw', (text) => text),
  characters('encodeURIComponent', encodeURIComponent),
  characters('encodeURIComponent in lower case', (text) => lowerCodes(encodeURIComponent(text))),
  characters('encodeURI', encodeURI),
  characters('a form', (text) => new URLSearchParams({ '': text }).toString().slice(1)),
  characters('RFC 3986', strict),
  characters('RFC 3986 with a slash', (text) => strict(text).replaceAll('%2F', '/')),
  characters('RFC 3986 with + for a space', (text) => strict(text).replaceAll('%20', '+')),
  characters('JSON', inJson),
  characters('JSON in ASCII', (text) => ascii(inJson(text))),
  characters('JSON in ASCII, upper case', (text) => ascii(inJson(text)).replace(/\\u.{4}/g, (code) => `\\u${code.slice(2).toUpperCase()}`)),
  characters('JSON with escaped slashes', (text) => ascii(inJson(text)).replaceAll('/', '\\/')),
  characters('single quotes of a shell', (text) => text.split("'").join(`'\\''`)),
  characters('double quotes of a shell', (text) => text.replace(/[\\"$`]/g, (c) => `\\${c}`)),
  characters('HTML', (text) => text.replace(/[&<>"']/g, (c) => entity[c] ?? c)),
  { name: 'base64', kind: 'base64', apply: (bytes) => bytes.toString('base64') },
  { name: 'base64url', kind: 'base64', apply: (bytes) => bytes.toString('base64url') },
  { name: 'hexadecimal', kind: 'hex', apply: (bytes) => bytes.toString('hex') },
  { name: 'HEXADECIMAL', kind: 'hex', apply: (bytes) => bytes.toString('hex').toUpperCase() },
];

/** Mulberry32: the same cases every time. */
const randomFrom = (seed: number) => {
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (limit: number): number => next() % limit;
  return { below, pick: <T>(list: readonly T[]): T => list[below(list.length)] as T };
};
type Random = ReturnType<typeof randomFrom>;

const alphabets: readonly (readonly string[])[] = [
  'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789',
  'aab',
  ' !"#$%&\'()*+,-./0:;<=>?@A[\\]^_`a{|}~',
  'éßñ漢字😀𝔘ab1 "/',
  'ab\u0001\u0007\u001b\b\f\t\u007f',
  'MIIEvQ/+=\n',
  'one\n\r\n two',
].map((text) => [...text]);

const outer = ['', '', '', ' ', '\n', '\t\n'];

const word = (random: Random, alphabet: readonly string[], length: number): string =>
  Array.from({ length }, () => random.pick(alphabet)).join('');

const secretOf = (random: Random): string => {
  const alphabet = random.pick(alphabets);
  const inner = word(random, alphabet, 4 + random.below(random.below(8) === 0 ? 200 : 28)).trim();
  const secret = Buffer.byteLength(inner) < 4 ? `${inner}wxyz` : inner;
  return random.pick(outer) + secret + random.pick(outer);
};

/** What stands in a text of a secret: no byte from `from` to `to` may stay, but a line break that a program put there. */
type Hidden = { readonly from: number; readonly to: number; readonly broken: boolean; readonly label: string };

const filler = (random: Random): Buffer =>
  Buffer.from(Array.from({ length: random.below(14) }, () => random.pick([10, 32, 42, 65, 97, 195, random.below(256)])));

const occurrence = (random: Random, secret: string, at: number): { readonly bytes: Buffer; readonly hidden: Hidden } => {
  const encoding = random.pick(encodings);
  const lead = secret.slice(0, secret.length - secret.trimStart().length);
  const core = secret.trim();
  const label = `${encoding.name} of ${JSON.stringify(secret)}`;
  if (encoding.kind === 'characters') {
    const from = at + Buffer.byteLength(encoding.apply(lead));
    const bytes = Buffer.from(encoding.apply(secret));
    return { bytes, hidden: { from, to: from + Buffer.byteLength(encoding.apply(core)), broken: false, label } };
  }
  const before = Buffer.concat([filler(random), Buffer.from(lead)]);
  const text = encoding.apply(Buffer.concat([before, Buffer.from(core), filler(random)]));
  const bits = encoding.kind === 'hex' ? 4 : 6;
  const first = Math.ceil((before.length * 8) / bits);
  const last = Math.floor(((before.length + Buffer.byteLength(core)) * 8) / bits);
  const width = random.pick([0, 60, 64, 76, 5]);
  const broken = width === 0 ? text : text.replace(new RegExp(`.{${width}}`, 'g'), '$&\n');
  const place = (index: number): number => at + (width === 0 ? index : index + Math.floor(index / width));
  return { bytes: Buffer.from(broken), hidden: { from: place(first), to: place(last - 1) + 1, broken: width !== 0, label } };
};

const star = 0x2a;
const isBreak = (byte: number | undefined): boolean => byte === 0x0a || byte === 0x0d;

/** Where the forms stand in the text, found in the simplest way. 1: must be masked; 2: may be, before a line break. */
const covered = (forms: ReturnType<typeof formsOf>, text: Buffer, marks: Uint8Array): void => {
  const places = [...text.keys()].filter((at) => !isBreak(text[at]));
  const unbroken = Buffer.from(places.map((at) => text[at] ?? 0));
  for (const form of forms.exact)
    for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + 1)) marks.fill(1, at, at + form.length);
  for (const form of forms.wrapped) {
    for (let at = unbroken.indexOf(form); at >= 0; at = unbroken.indexOf(form, at + 1)) {
      for (const [i, place] of places.slice(at, at + form.length).entries()) {
        if (marks[place] !== 1) marks[place] = i === 0 && isBreak(text[place + 1]) ? 2 : 1;
      }
    }
  }
};

const check = (allForms: readonly ReturnType<typeof formsOf>[], text: Buffer, shown: Buffer, hidden: readonly Hidden[]): void => {
  assert.equal(shown.length, text.length);
  for (const { from, to, broken, label } of hidden) {
    for (let at = from; at < to; at++) {
      if (shown[at] === star || (broken && isBreak(shown[at])) || (broken && at === from && isBreak(shown[at + 1]))) continue;
      assert.fail(`${label} shows ${JSON.stringify(shown.toString('latin1'))} of ${JSON.stringify(text.toString('latin1'))}`);
    }
  }
  const marks = new Uint8Array(text.length);
  for (const forms of allForms) covered(forms, text, marks);
  for (const [at, mark] of marks.entries()) {
    const isRight = mark === 1 ? shown[at] === star : shown[at] === text[at] || (mark === 2 && shown[at] === star);
    if (!isRight)
      assert.fail(`byte ${at} of ${JSON.stringify(text.toString('latin1'))} became ${JSON.stringify(shown.toString('latin1'))}`);
  }
};

test('100,000 random cases of secret, encoding and chunks in two streams at once leak nothing and change no other byte', () => {
  const random = randomFrom(20261121);
  let cases = 0;
  while (cases < 100_000) {
    const secrets = Array.from({ length: 1 + random.below(3) }, () => secretOf(random));
    if (random.below(4) === 0) secrets.push(`${[...(secrets[0] ?? '')].slice(2).join('').trim()}${word(random, alphabets[0] ?? [], 4)}`);
    const forms = secrets.map(formsOf);
    const make = redactorsFor(secrets);
    for (let round = 0; round < 30; round++) {
      const streams = [0, 1].map(() => {
        const parts: Buffer[] = [];
        const hidden: Hidden[] = [];
        let length = 0;
        const add = (bytes: Buffer): void => {
          parts.push(bytes);
          length += bytes.length;
        };
        for (let i = 0; i < 2; i++) {
          add(filler(random));
          const made = occurrence(random, random.pick(secrets), length);
          hidden.push(made.hidden);
          add(made.bytes);
        }
        add(filler(random));
        return { text: Buffer.concat(parts), hidden, redactor: make(), shown: [] as Uint8Array[], at: 0 };
      });
      const longest = random.pick([1, 2, 7, 40, 1000]);
      for (let open = streams; open.length > 0; open = streams.filter(({ at, text }) => at < text.length)) {
        const stream = random.pick(open);
        const chunk = stream.text.subarray(stream.at, stream.at + 1 + random.below(longest));
        stream.shown.push(stream.redactor.push(chunk));
        stream.at += chunk.length;
        if (stream.text.length === 0) break;
      }
      for (const { text, hidden, redactor, shown } of streams) {
        check(forms, text, Buffer.concat([...shown, redactor.end()]), hidden);
        cases += hidden.length;
      }
    }
  }
});

test('a secret is masked at every border of two chunks, in every encoding', () => {
  const secret = `p@ss/"wörd"<é'😀> 7+`;
  const forms = [formsOf(secret)];
  for (const encoding of encodings) {
    const text = Buffer.from(
      `<<${encoding.kind === 'characters' ? encoding.apply(secret) : encoding.apply(Buffer.from(`ab${secret}yz`))}>>`,
    );
    for (let at = 0; at <= text.length; at++) {
      const redactor = redactorsFor([secret])();
      check(forms, text, Buffer.concat([redactor.push(text.subarray(0, at)), redactor.push(text.subarray(at)), redactor.end()]), []);
    }
  }
});
