// Requests to the outside on behalf of a step: only where the configuration and the step let it go, and each is in the log.
import {
  type Failed,
  newFetch,
  OutboundError,
  type OutboundRequest,
  type OutboundResponse,
  type Places,
  reject,
  request,
  retry,
} from '@capstan/kit';
import type { ToolContext } from './tool.ts';

type Context = Pick<ToolContext, 'config' | 'order' | 'signal' | 'log'>;

export const send = (
  asked: Omit<OutboundRequest, 'places' | 'signal' | 'told'>,
  context: Context,
): Promise<OutboundResponse> =>
  request({
    ...asked,
    places: placesOf(context),
    signal: context.signal,
    told: (one) => context.log.info(one, 'Request.'),
  });

/** `fetch` for a service that the configuration names, and for nothing else. */
export const fetchFrom = (baseUrl: string, timeoutMs: number, { signal, log }: Context): typeof fetch => {
  const url = new URL(baseUrl);
  const place = `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`;
  return newFetch({
    places: { allow: [place], only: [[place]] },
    timeoutMs,
    signal,
    told: (one) => log.info(one, 'Request.'),
  });
};

/** What came of a request that was not answered. */
export const outcomeOf = (error: unknown): Failed => {
  if (!(error instanceof OutboundError)) throw error;
  return mayPass.has(error.code)
    ? retry(`http_${error.code}`, error.message)
    : reject(`http_${error.code}`, error.message);
};

const mayPass = new Set(['unreachable', 'timeout', 'aborted']);

export const placesOf = ({ config, order }: Context): Places => {
  const { allow, only } = config.own.http;
  const egress = order.sandbox?.egress;
  return { allow, only: [...(only ? [only] : []), ...(egress ? [egress] : [])] };
};
