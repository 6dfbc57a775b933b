// The shape of a plan: what it says, with everything looked up that decisions need often. Steps are counted by slots: a plain step has
// one, a family (`each`) has one per member. A shape follows from the plan and the additions alone, so it is never stored.
import { isInternal, type Json, type Phase, type Plan, type Step } from '@capstan/contracts';

/** What came to a plan after its submission, in order. */
export type Addition =
  | { readonly kind: 'steps'; readonly steps: readonly Step[]; readonly by: string }
  /** The members of a family whose list was known only at run time. */
  | { readonly kind: 'items'; readonly spec: number; readonly items: readonly Json[] };

export interface Spec {
  readonly at: number;
  readonly step: Step;
  /** The first slot of its members; -1 while the members of a family are not known. */
  readonly first: number;
  readonly count: number;
  /** The slot of the list itself, where that is an expression: it ends when the members are known. -1 where there is none. */
  readonly head: number;
  /** The group of its members, or -1 for a plain step. */
  readonly family: number;
  /** The group of its phase, or -1. */
  readonly phase: number;
  readonly items: readonly Json[] | null;
  readonly afterSpecs: readonly number[];
  readonly afterGroups: readonly number[];
  /** Made by Capstan itself: no hold and no approval applies to it. */
  readonly internal: boolean;
  /** Tells people. Runs beside the task, which ends without waiting for it. */
  readonly errand: boolean;
  /** The slot whose work it undoes, or -1. */
  readonly undoes: number;
}

export interface Group {
  readonly kind: 'family' | 'phase';
  readonly name: string;
  readonly specs: readonly number[];
  /** Specs that wait for the whole group. */
  readonly next: readonly number[];
}

export interface Shape {
  readonly specs: readonly Spec[];
  /** By spec: the specs that wait for it. */
  readonly next: readonly (readonly number[])[];
  /** The phases first, in their order, then the families; so a group never changes its number. */
  readonly groups: readonly Group[];
  readonly phases: readonly Phase[];
  readonly slots: number;
  readonly specOfSlot: readonly number[];
  readonly byName: ReadonlyMap<string, number>;
  readonly groupByName: ReadonlyMap<string, number>;
}

/** Steps of these names tell people; see `notify.ts`. */
export const errandPrefix = '_notify-';

/** Undoes a step: `_undo-<id>`, and `_undo2-<id>` when the task is undone for the second time. */
export const undoId = (round: number, id: string): string => `_undo${round > 1 ? round : ''}-${id}`;
const undoPattern = /^_undo(\d*)-(.+)$/;

/** How many slots a step takes, or -1 where its items are an expression and so not known yet. */
export const sizeOf = (step: Step): number => {
  if (step.each === undefined) return 1;
  if ('count' in step.each && typeof step.each.count === 'number') return step.each.count;
  const items = (step.each as { items: unknown }).items;
  return Array.isArray(items) ? items.length : -1;
};

export const shapeOf = (plan: Plan, additions: readonly Addition[]): Shape => {
  const steps: Step[] = plan.steps.slice();
  const late = new Map<number, readonly Json[]>();
  const order: ({ steps: [from: number, to: number] } | { items: number })[] = [{ steps: [0, steps.length] }];
  for (const addition of additions) {
    if (addition.kind === 'steps') {
      order.push({ steps: [steps.length, steps.length + addition.steps.length] });
      for (const step of addition.steps) steps.push(step);
    } else {
      order.push({ items: addition.spec });
      late.set(addition.spec, addition.items);
    }
  }

  const byName = new Map(steps.map((step, at) => [step.id, at]));
  const groups: { kind: 'family' | 'phase'; name: string; specs: number[]; next: number[] }[] = [];
  const groupByName = new Map<string, number>();
  const addGroup = (kind: 'family' | 'phase', name: string): number => {
    groups.push({ kind, name, specs: [], next: [] });
    return groups.length - 1;
  };
  const phases = plan.phases ?? [];
  for (const phase of phases) groupByName.set(phase.name, addGroup('phase', phase.name));

  // Slots are given out in the order in which the plan and its additions came, so a slot never changes its number.
  const first = new Array<number>(steps.length).fill(-1);
  const count = new Array<number>(steps.length).fill(0);
  const head = new Array<number>(steps.length).fill(-1);
  const specOfSlot: number[] = [];
  const place = (at: number, slots: number) => {
    first[at] = specOfSlot.length;
    count[at] = slots;
    for (let slot = 0; slot < slots; slot += 1) specOfSlot.push(at);
  };
  for (const part of order) {
    if ('items' in part) place(part.items, late.get(part.items)?.length ?? 0);
    else {
      for (let at = part.steps[0]; at < part.steps[1]; at += 1) {
        const slots = sizeOf(steps[at] as Step);
        if (slots >= 0) place(at, slots);
        else head[at] = specOfSlot.push(at) - 1;
      }
    }
  }

  const next: number[][] = steps.map(() => []);
  const families = steps.map((step) => (step.each === undefined ? -1 : addGroup('family', step.id)));
  const slotNamed = (id: string): number => {
    const at = byName.get(id);
    if (at !== undefined && families[at] === -1) return first[at] as number;
    const owner = ownerOf(id, byName);
    return owner < 0 ? -1 : (first[owner] as number) + memberOf(id);
  };
  const specs = steps.map((step, at): Spec => {
    const family = families[at] as number;
    const phase = step.phase === undefined ? -1 : (groupByName.get(step.phase) ?? -1);
    const afterSpecs = new Set<number>();
    const afterGroups = new Set<number>();
    for (const name of step.depends_on ?? []) {
      const on = byName.get(name);
      const group =
        on === undefined ? groupByName.get(name) : (families[on] as number) >= 0 ? (families[on] as number) : undefined;
      if (group !== undefined) afterGroups.add(group);
      else if (on !== undefined) afterSpecs.add(on);
      else {
        // One member of a family, by its own name.
        const owner = ownerOf(name, byName);
        if (owner >= 0 && (families[owner] as number) >= 0) afterGroups.add(families[owner] as number);
      }
    }
    if (phase > 0) afterGroups.add(phase - 1);
    if (family >= 0) (groups[family] as { specs: number[] }).specs.push(at);
    if (phase >= 0) (groups[phase] as { specs: number[] }).specs.push(at);
    for (const on of afterSpecs) (next[on] as number[]).push(at);
    for (const on of afterGroups) (groups[on] as { next: number[] }).next.push(at);
    const listed =
      step.each !== undefined && 'items' in step.each && Array.isArray(step.each.items) ? step.each.items : null;
    const internal = isInternal(step.id);
    const undone = internal ? undoPattern.exec(step.id) : null;
    return {
      at,
      step,
      first: first[at] as number,
      count: count[at] as number,
      head: head[at] as number,
      family,
      phase,
      items: listed ?? late.get(at) ?? null,
      afterSpecs: [...afterSpecs],
      afterGroups: [...afterGroups],
      internal,
      errand: internal && step.id.startsWith(errandPrefix),
      undoes: undone === null ? -1 : slotNamed(undone[2] as string),
    };
  });
  return { specs, next, groups, phases, slots: specOfSlot.length, specOfSlot, byName, groupByName };
};

/** The family that a member's name belongs to, or -1: `work-12` is a member of `work`. */
const ownerOf = (name: string, byName: ReadonlyMap<string, number>): number => {
  const dash = name.lastIndexOf('-');
  return dash > 0 && memberPattern.test(name.slice(dash + 1)) ? (byName.get(name.slice(0, dash)) ?? -1) : -1;
};
const memberOf = (name: string): number => Number(name.slice(name.lastIndexOf('-') + 1));
/** A number has one spelling: `work-7` is a member, `work-07` is not. */
const memberPattern = /^(0|[1-9]\d{0,8})$/;

/** The family that a name would be a member of, whether or not it has that many; null for any other name. */
export const familyOf = (name: string): string | null => {
  const dash = name.lastIndexOf('-');
  return dash > 0 && memberPattern.test(name.slice(dash + 1)) ? name.slice(0, dash) : null;
};

export const specOf = (shape: Shape, slot: number): Spec => shape.specs[shape.specOfSlot[slot] as number] as Spec;

export const idOf = (shape: Shape, slot: number): string => {
  const spec = specOf(shape, slot);
  return spec.family < 0 || slot === spec.head ? spec.step.id : `${spec.step.id}-${slot - spec.first}`;
};

/** The slot of a step id, or -1. */
export const slotOf = (shape: Shape, id: string): number => {
  const at = shape.byName.get(id);
  const exact = at === undefined ? undefined : shape.specs[at];
  if (exact !== undefined) return exact.family < 0 ? exact.first : exact.head;
  const owner = shape.specs[ownerOf(id, shape.byName)];
  if (owner === undefined || owner.family < 0) return -1;
  const member = memberOf(id);
  return member < owner.count ? owner.first + member : -1;
};

/** Every slot of a step or family, its list included. */
export const slotsOf = (spec: Spec): number[] => {
  const slots = Array.from({ length: spec.count }, (_, member) => spec.first + member);
  return spec.head < 0 ? slots : [spec.head, ...slots];
};

/** What a step waits for, by the names that its plan used. */
export const dependenciesOf = (shape: Shape, spec: Spec): string[] => [
  ...spec.afterSpecs.map((at) => (shape.specs[at] as Spec).step.id),
  ...spec.afterGroups.map((at) => (shape.groups[at] as Group).name),
];
