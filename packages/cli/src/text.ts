// Text from outside, made fit for a terminal: a task's title must not move the cursor, change colours, reorder what is
// read or break a line. Colours are added afterwards, by style.ts.
import { stripVTControlCharacters } from 'node:util';

// Controls, direction marks and overrides, and what is invisible; but not what joins letters and the parts of an emoji.
const unfit = /[[\p{Cc}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]--[\p{Join_Control}\p{Variation_Selector}]]/gv;
const breaks = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;

/** One line without anything that a terminal would obey. */
export const clean = (text: unknown): string =>
  stripVTControlCharacters(typeof text === 'string' ? text : (JSON.stringify(text) ?? ''))
    .toWellFormed()
    .replace(breaks, ' ')
    .replace(unfit, '');

/** JSON that means the same and is harmless when printed: what JSON allows and a terminal obeys is escaped. */
export const jsonText = (value: unknown, indent?: number): string =>
  (JSON.stringify(value, null, indent) ?? 'null').replace(
    /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    escaped,
  );

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const wide =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** How many columns a clean text takes. */
export const widthOf = (text: string): number => {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of graphemes.segment(text))
    columns += /^\p{M}/u.test(segment) ? 0 : wide.test(segment) ? 2 : 1;
  return columns;
};

/** At most that many columns, with "…" where something was left out. */
export const cut = (text: string, columns: number): string => {
  if (widthOf(text) <= columns) return text;
  let kept = '';
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    const width = widthOf(segment);
    if (used + width > columns - 1) break;
    kept += segment;
    used += width;
  }
  return columns > 0 ? `${kept}…` : '';
};

export const padded = (text: string, columns: number): string =>
  text + ' '.repeat(Math.max(0, columns - widthOf(text)));

/** `812 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export const spanOf = (ms: number): string => {
  const whole = Math.max(0, Math.round(ms));
  if (whole < 1_000) return `${whole} ms`;
  if (whole < 59_950) return `${(whole / 1_000).toFixed(1).replace('.0', '')} s`;
  const seconds = Math.round(whole / 1_000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
};

/** `1 step`, `3 steps`. */
export const counted = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? '' : 's'}`;
