// What `capstan up` says while it runs: sentences for people, a JSON line each for programs.
import type { Show } from '../show.ts';
import type { Terminal } from '../terminal.ts';
import { clean, jsonText } from '../text.ts';

export interface Say {
  /** On stdout: what was asked for. */
  result(event: string, fields: object, text: string): void;
  /** On stderr: what goes on besides. */
  remark(event: string, fields: object, text: string, level?: 'warn' | 'error'): void;
  /** For programs alone. */
  note(event: string, fields: object): void;
  /** While a picture is redrawn, remarks go above it. */
  through(show: Show | null): void;
}

export const sayOn = (terminal: Terminal, json: boolean): Say => {
  let drawing: Show | null = null;
  const line = (event: string, fields: object) =>
    terminal.print(jsonText({ event, at: new Date().toISOString(), ...fields }));
  return {
    result: (event, fields, text) => {
      if (json) line(event, fields);
      else if (drawing) drawing.above(() => terminal.print(text));
      else terminal.print(text);
    },
    remark: (event, fields, text, level) => {
      if (json) {
        line(event, { ...fields, ...(level && { level }) });
        return;
      }
      const style = terminal.remarkStyle;
      const painted =
        level === 'error'
          ? style.red(clean(text))
          : level === 'warn'
            ? style.yellow(clean(text))
            : style.dim(clean(text));
      if (drawing) drawing.above(() => terminal.remark(painted));
      else terminal.remark(painted);
    },
    note: (event, fields) => json && line(event, fields),
    through: (show) => {
      drawing = show;
    },
  };
};
