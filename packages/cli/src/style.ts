// Colours, or none: the same functions either way, so that whoever renders need not ask.

const codes = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  cyan: [36, 39],
} as const;

export type Colour = keyof typeof codes;
export type Style = Readonly<Record<Colour, (text: string) => string>>;

export const styleOf = (colours: boolean): Style =>
  Object.fromEntries(
    Object.entries(codes).map(([name, [on, off]]) => [
      name,
      (text: string) => (colours && text ? `\u001b[${on}m${text}\u001b[${off}m` : text),
    ]),
  ) as Style;

type Environment = Readonly<Record<string, string | undefined>>;

/** NO_COLOR and FORCE_COLOR as no-color.org and Node understand them. */
export const wantsColours = (isTty: boolean, environment: Environment): boolean => {
  if (environment['NO_COLOR']) return false;
  if (environment['FORCE_COLOR']) return environment['FORCE_COLOR'] !== '0';
  return isTty && environment['TERM'] !== 'dumb';
};
