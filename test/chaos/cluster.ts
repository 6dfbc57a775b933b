// Three nats-servers that are one, and lose their leader.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, decodeTrusted, isBusError, type NatsBus, prepare } from '@capstan/bus';
import { startNatsServer, type TestServer } from '@capstan/bus/testing';

export interface Cluster extends TestServer {
  /** Kills whoever leads a stream, and starts it again after a while. */
  killLeader(bus: NatsBus, stream: string, awayMs: number): Promise<string>;
}

export const startCluster = async (): Promise<Cluster> => {
  const ports = await Promise.all([freePort(), freePort(), freePort()]);
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(', ');
  const servers = await Promise.all(
    ports.map((port, at) =>
      startNatsServer({
        config: `server_name: n${at + 1}\ncluster { name: chaos, listen: "127.0.0.1:${port}", routes: [${routes}] }`,
      }),
    ),
  );
  const [first] = servers as [TestServer];
  const url = servers.map((server) => server.url).join(',');
  await untilPrepared(url);
  const all = (act: (server: TestServer) => Promise<void>) => Promise.all(servers.map(act)).then(() => {});
  const stop = () => all((server) => server.stop());
  return {
    url,
    port: first.port,
    dir: first.dir,
    pid: first.pid,
    kill: () => all((server) => server.kill()),
    start: () => all((server) => server.start()),
    restart: () => all((server) => server.restart()),
    stop,
    killLeader: async (bus, stream, awayMs) => {
      const leader = await leaderOf(bus, stream);
      const server = servers[Number(leader.slice(1)) - 1] as TestServer;
      await server.kill();
      await sleep(awayMs);
      await server.start();
      return leader;
    },
    [Symbol.asyncDispose]: stop,
  };
};

const triesMax = 60;

/** While the cluster chooses another nobody answers. */
const leaderOf = async (bus: NatsBus, stream: string): Promise<string> => {
  for (let left = triesMax; ; left -= 1) {
    try {
      const { data } = await bus.ask(`$JS.API.STREAM.INFO.${stream}`, '', 2_000);
      const { cluster } = decodeTrusted(data) as { cluster?: { leader?: string } };
      if (cluster?.leader !== undefined) return cluster.leader;
    } catch (error) {
      if (left <= 0 || !isBusError(error, 'unavailable')) throw error;
    }
    if (left <= 0) throw new Error(`${stream} has no leader`);
    await sleep(500);
  }
};

/** Until there is a leader who makes streams. */
const untilPrepared = async (url: string): Promise<void> => {
  for (let left = triesMax; ; left -= 1) {
    const bus = await connect({ url, warn: () => {}, waitMs: 10_000 });
    try {
      await prepare(bus, { replicas: 3 });
      return;
    } catch (error) {
      if (left === 0) throw error;
      await sleep(500);
    } finally {
      await bus.close();
    }
  }
};

/** Routes must be known before anybody listens. */
const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
};
