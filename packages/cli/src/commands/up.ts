// `capstan up`, which is `npm start`: everything on this machine. What it does is in ../up/.
import { defineCommand } from '../command.ts';
import { upOptions } from '../up/options.ts';
import { runUp } from '../up/run-up.ts';

export const up = defineCommand({
  name: 'up',
  group: 'start',
  summary: 'Start NATS, the coordinator and the agents here, and show a demonstration',
  description:
    'Each is a process of its own; whatever dies is started again. `ready nats://…` is printed once every service answers. ' +
    'The first Ctrl-C drains and exits with 0, a second one ends at once. The next start on the same data goes on where this one stopped. ' +
    'Options may also stand in the configuration file, under up:.',
  arguments: [],
  options: upOptions,
  examples: [
    { run: 'capstan up', what: 'the same as npm start' },
    {
      run: 'capstan up --no-demo --port 0 --executors 3',
      what: 'only the system, on a free port, with three executors',
    },
    { run: 'capstan up --nats-url nats://nats.example:4222', what: 'the services here, on a NATS that runs already' },
    { run: 'capstan up --json | jq -r \'select(.event == "ready").url\'', what: 'each event as a line of JSON' },
  ],
  run: runUp,
});
