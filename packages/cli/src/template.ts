// A template and its parameters, as options name them.
import { mistake } from './exit.ts';

export const templateOf = (name: string | undefined, params: readonly string[]): object | undefined => {
  if (name === undefined) {
    if (params.length > 0) throw mistake('--param needs --template.', 'Name the template that it is a parameter of.');
    return undefined;
  }
  return { name, ...(params.length > 0 && { params: Object.fromEntries(params.map(paramOf)) }) };
};

const paramOf = (text: string): [string, unknown] => {
  const at = text.indexOf('=');
  if (at < 1) throw mistake(`--param can't be "${text}".`, 'It is NAME=VALUE, such as pr=123.');
  const value = text.slice(at + 1);
  try {
    return [text.slice(0, at), JSON.parse(value)];
  } catch {
    return [text.slice(0, at), value];
  }
};
