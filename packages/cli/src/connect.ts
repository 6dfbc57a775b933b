// Opens the connection that a command asks for: where to, from the command line, the environment or the configuration file.
import { connect, isBusError } from '@capstan/bus';
import { ConfigMistake, loadConfig } from '@capstan/kit';
import { type Client, clientOf, unreachable } from './client.ts';
import { CommandError, exits, mistake } from './exit.ts';
import { type UpConfig, upSection } from './up/section.ts';

export interface Whereto {
  readonly natsUrl: string | undefined;
  readonly namespace: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export const connectClient = async (to: Whereto): Promise<Client> => {
  const { nats, namespace } = configOf(to);
  const { url, user, password, creds } = nats;
  // What the connection warns of is no news for who typed a command: it comes back by itself, or the command says so.
  const warnings: string[] = [];
  const warn = (message: string) => void (warnings.length < warningsMax && warnings.push(message));
  try {
    const bus = await connect({ url, user, password, creds, namespace, name: `${namespace} cli`, warn });
    return clientOf(bus, url, warnings);
  } catch (error) {
    if (isBusError(error, 'forbidden')) {
      throw new CommandError(exits.failed, error.message, {
        code: 'unauthorized',
        hint: 'Set CAPSTAN_NATS_USER and CAPSTAN_NATS_PASSWORD, or CAPSTAN_NATS_CREDS.',
      });
    }
    if (isBusError(error)) throw unreachable(url, error);
    throw mistake(
      `"${url.slice(0, 100)}" is no address of NATS: ${(error as Error).message}.`,
      'Write it like nats://127.0.0.1:4222.',
    );
  }
};

const warningsMax = 100;

/** The file, under the environment, under the command line. */
export const configOf = ({ natsUrl, namespace, environment }: Whereto): UpConfig => {
  const over = {
    ...(natsUrl !== undefined && { CAPSTAN_NATS_URL: natsUrl }),
    ...(namespace !== undefined && { CAPSTAN_NAMESPACE: namespace }),
  };
  try {
    return loadConfig('up', upSection, { ...environment, ...over });
  } catch (error) {
    if (error instanceof ConfigMistake) throw mistake(error.message);
    throw error;
  }
};
