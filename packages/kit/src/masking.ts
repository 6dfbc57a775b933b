// Takes the values of secrets out of what is about to leave the process, in the encodings that they commonly travel in.
// Which values are secret is told by `secrets.ts`.

export interface Mask {
  /** From now on, this value leaves no more. Shorter than `secretLengthMin` it could not be told from ordinary text. */
  add(secret: string): void;
  text(text: string): string;
  /** Strings, keys and numbers in a JSON value, however deep. */
  json(value: unknown): unknown;
  /** Overwrites in a copy, byte for byte, so that a file keeps its shape. */
  bytes(data: Uint8Array): Uint8Array;
  /** Where in a text a secret stands, in order; for cutting a stream between and never inside them. */
  places(text: string): [from: number, to: number][];
  /** The longest form that is looked for. */
  readonly longest: number;
  /** What is looked for, longest first, of secrets that are at least this long; the same list until another secret is added. */
  forms(lengthMin?: number): readonly string[];
}

export interface MaskOptions {
  /** Another mask whose secrets are masked here too, if they are long enough (`sharedLengthMin`) to be no ordinary word. */
  readonly wider?: Mask;
  readonly widerLengthMin?: number;
  /** From there on, the one that was added longest ago is forgotten. */
  readonly secretsMax?: number;
}

export const secretLengthMin = 4;
/** A shorter one is masked where it was resolved for, and in logs, but not in what other steps say. */
export const sharedLengthMin = 8;
/** Of one process, over all that it does. */
export const processSecretsMax = 256;
const stars = '[masked]';

export const newMask = ({
  wider,
  widerLengthMin = sharedLengthMin,
  secretsMax = Number.POSITIVE_INFINITY,
}: MaskOptions = {}): Mask => {
  const secrets = new Map<string, readonly string[]>();
  let lists = new Map<number, readonly string[]>();
  let merged: { readonly own: readonly string[]; readonly wider: readonly string[]; readonly all: readonly string[] };
  merged = { own: none, wider: none, all: none };
  const ownForms = (lengthMin: number): readonly string[] => {
    if (secrets.size === 0) return none;
    const there = lists.get(lengthMin);
    if (there) return there;
    const list = longestFirst([...secrets].flatMap(([secret, forms]) => (secret.length < lengthMin ? [] : forms)));
    lists.set(lengthMin, list);
    return list;
  };
  const formsNow = (lengthMin = 0): readonly string[] => {
    const own = ownForms(lengthMin);
    if (!wider) return own;
    const theirs = wider.forms(Math.max(lengthMin, widerLengthMin));
    if (own.length === 0) return theirs;
    if (theirs.length === 0) return own;
    if (lengthMin > 0) return longestFirst([...own, ...theirs]);
    if (merged.own !== own || merged.wider !== theirs)
      merged = { own, wider: theirs, all: longestFirst([...own, ...theirs]) };
    return merged.all;
  };
  const text = (input: string): string => {
    let out = input;
    for (const form of formsNow()) if (out.includes(form)) out = out.replaceAll(form, stars);
    return out;
  };
  const json = (value: unknown): unknown => {
    const forms = formsNow();
    if (forms.length === 0) return value;
    if (typeof value === 'string') return text(value);
    if (typeof value === 'number') return forms.some((form) => String(value).includes(form)) ? stars : value;
    if (Array.isArray(value)) return value.map(json);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [text(key), json(inner)]));
  };
  return {
    add: (secret) => {
      if (secret.length < secretLengthMin) return;
      const forms = secrets.get(secret);
      // What is used again is remembered for longer.
      if (forms) secrets.delete(secret);
      else lists = new Map();
      secrets.set(secret, forms ?? formsOf(secret));
      if (secrets.size > secretsMax) secrets.delete(secrets.keys().next().value as string);
    },
    text,
    json,
    bytes: (data) => {
      let copy: Buffer | null = null;
      for (const form of formsNow()) {
        const needle = Buffer.from(form);
        for (let at = Buffer.from(data).indexOf(needle); at >= 0; at = (copy as Buffer).indexOf(needle, at + 1)) {
          copy ??= Buffer.from(data);
          copy.fill('*', at, at + needle.length);
        }
      }
      return copy ?? data;
    },
    places: (input) => {
      const found: [number, number][] = [];
      for (const form of formsNow()) {
        for (let at = input.indexOf(form); at >= 0; at = input.indexOf(form, at + 1))
          found.push([at, at + form.length]);
      }
      return found.sort((a, b) => a[0] - b[0]);
    },
    get longest() {
      return formsNow()[0]?.length ?? 0;
    },
    forms: formsNow,
  };
};

const none: readonly string[] = [];

/** So that a secret which contains another is taken as a whole. */
const longestFirst = (forms: readonly string[]): readonly string[] =>
  [...new Set(forms)].sort((a, b) => b.length - a.length);

const formsOf = (secret: string): string[] => {
  const bytes = Buffer.from(secret);
  const percent = encodeURIComponent(secret);
  const forms = [
    secret,
    JSON.stringify(secret).slice(1, -1),
    percent,
    percent.replace(/%../g, (code) => code.toLowerCase()),
    new URLSearchParams([['', secret]]).toString().slice(1),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    ...[0, 1, 2].flatMap((shift) => base64Inside(bytes, shift)),
    // Output is looked at line by line, so each line of a key file is a secret of its own.
    ...(secret.includes('\n')
      ? secret
          .split(/\r?\n/)
          .map((line) => line.trim())
          .filter((line) => line.length >= 8)
      : []),
  ];
  return forms.filter((form) => form.length >= secretLengthMin);
};

/** How the bytes look inside a longer base64 text, such as `user:password`, when they begin at this place of a group of three. */
const base64Inside = (bytes: Buffer, shift: number): string[] => {
  const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
  const sure = text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
  return [sure, sure.replaceAll('+', '-').replaceAll('/', '_')];
};
