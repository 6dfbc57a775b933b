// `/healthz` (the process lives) and `/readyz` (it can work), for whoever supervises it. Served only where a port is configured.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Null where all is well; otherwise why not, in a few words. */
export type Check = () => string | null;

export interface Health {
  /** One more thing that must be well for the process to be ready. */
  check(name: string, check: Check): void;
  /** What is not well just now, by name. */
  wrong(): Record<string, string>;
}

export const newHealth = (): Health => {
  const checks = new Map<string, Check>();
  return {
    check: (name, check) => void checks.set(name, check),
    wrong: () => {
      const wrong: Record<string, string> = {};
      for (const [name, check] of checks) {
        const why = check();
        if (why) wrong[name] = why;
      }
      return wrong;
    },
  };
};

export interface HealthServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Port 0 picks one. */
export const serveHealth = async (health: Health, port: number, host?: string): Promise<HealthServer> => {
  const server = createServer(
    { requestTimeout: 5_000, headersTimeout: 5_000, maxHeaderSize: 8_192 },
    (request, response) => {
      const path = (request.url ?? '').split('?')[0];
      const answer = path === '/healthz' ? {} : path === '/readyz' ? health.wrong() : null;
      const status = answer === null ? 404 : Object.keys(answer).length > 0 ? 503 : 200;
      const body =
        status === 200
          ? { status: 'ok' }
          : { status: status === 404 ? 'not found' : 'not ready', ...(answer ? { wrong: answer } : {}) };
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(`${JSON.stringify(body)}\n`);
    },
  );
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(port, host, listening);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped());
        server.closeAllConnections();
      }),
  };
};
