// The planner: from a template where one is named, otherwise by rules from the words of the task. No model is asked here yet.
import { join } from 'node:path';
import { plan as planSchema, planInput, type Plan, roles } from '@capstan/contracts';
import { defineAgent, done, reject, Stopped } from '@capstan/kit';
import { z } from 'zod';
import { planByRules } from './rules/index.ts';
import { renamed } from './renamed.ts';
import { renderTemplate } from './render.ts';
import { serveTemplates } from './serve-templates.ts';
import { loadTemplates, type Templates } from './templates.ts';

export const builtInTemplates = join(import.meta.dirname, '../templates');

export const newPlanner = () => {
  let templates: Templates;
  let serving: { stop(): Promise<void> } | undefined;
  const { queue, capabilities } = roles.planner;
  return defineAgent({
    queue,
    domain: 'planning',
    capabilities: Object.keys(capabilities),
    settings: {
      /** Folders of further templates; one of the same name goes over what comes with Capstan. */
      templates: z.array(z.string().min(1)).default([]),
    },
    environment: { CAPSTAN_TEMPLATES: { path: ['templates'], as: 'list' } },
    start: async (config, log, house) => {
      templates = loadTemplates([builtInTemplates, ...config.own.templates]);
      log.info({ templates: [...templates.keys()] }, 'Knows these templates.');
      serving = await serveTemplates(house, templates);
    },
    templates: () => [...templates.keys()],
    stop: () => serving?.stop(),
    // Not `context.input()`: a secret named in a parameter is for the agent that runs the step, and stays a name in the plan.
    run: async (order) => {
      const input = planInput.safeParse(order.input);
      if (!input.success) {
        const issue = input.error.issues[0];
        return reject('invalid_input', `${issue?.path.map(String).join('.')}: ${issue?.message}`);
      }
      const { request, feedback } = input.data;
      const plan = request.template ? renderTemplate(templates, request.template) : planByRules(request, feedback);
      return done({
        plan: renamed(checked(plan), feedback),
        planned_by: request.template ? `template ${request.template.name}` : 'rules',
      });
    },
  });
};

const checked = (plan: unknown): Plan => {
  const parsed = planSchema.safeParse(plan);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new Stopped(
    reject('invalid_plan', `The plan is none: ${issue?.path.map(String).join('.')}: ${issue?.message}.`),
  );
};
