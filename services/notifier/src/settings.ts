// What the notifier may be told in the configuration, under `notifier`, beside what every agent may be told.
import type { AgentContext, AgentSettings } from '@capstan/kit';
import { z } from 'zod';

const shape = {
  webhook: z
    .strictObject({
      /** Private places, as host:port, that may be called although anybody can name a callback address. */
      allow: z.array(z.string()).default([]),
      timeout_ms: z.int().min(1).max(300_000).default(10_000),
      /** Where set, each call is signed with it, so that the far side knows who calls. */
      secret: z.string().min(16).optional(),
    })
    .prefault({}),
};

export const settings = {
  settings: shape,
  environment: {
    CAPSTAN_WEBHOOK_ALLOW: { path: ['webhook', 'allow'], as: 'list' },
    CAPSTAN_WEBHOOK_SECRET: { path: ['webhook', 'secret'], as: 'text' },
  },
} as const;

export type NotifierContext = AgentContext<AgentSettings<typeof shape>>;
