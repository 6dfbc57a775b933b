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
}

export const secretLengthMin = 4;
const stars = '[masked]';

export const newMask = (): Mask => {
  // Longest first, so that a secret which contains another is taken as a whole.
  let forms: string[] = [];
  const text = (input: string): string => {
    let out = input;
    for (const form of forms) if (out.includes(form)) out = out.replaceAll(form, stars);
    return out;
  };
  const json = (value: unknown): unknown => {
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
      forms = [...new Set([...forms, ...formsOf(secret)])].sort((a, b) => b.length - a.length);
    },
    text,
    json,
    bytes: (data) => {
      let copy: Buffer | null = null;
      for (const form of forms) {
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
      for (const form of forms) {
        for (let at = input.indexOf(form); at >= 0; at = input.indexOf(form, at + 1))
          found.push([at, at + form.length]);
      }
      return found.sort((a, b) => a[0] - b[0]);
    },
    get longest() {
      return forms[0]?.length ?? 0;
    },
  };
};

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
