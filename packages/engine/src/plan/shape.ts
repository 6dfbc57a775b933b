// The shape of a plan: what it says, with everything looked up that decisions need often. Steps are counted by slots: a plain step has
// one, a family (`each`) has one per member. A shape follows from the plan and the additions alone, so it is never stored.
import { isInternal, type Json, type Phase, type Plan, type Step } from '@capstan/contracts';

/** What came to a plan after its submission, in order. */
export type Addition =
  | { readonly kind: 'steps'; readonly steps: readonly Step[]; readonly by: string }
  /** The members of a family whose list was known only at run time. */
  | { readonly kind: 'items'; readonly spec: number; readonly items: readonly Json[] }
  /** What these slots did is undone, one after the other. Told by numbers, since there may be as many of them as steps. */
  | { readonly kind: 'undo'; readonly round: number; readonly slots: readonly number[] };

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

const undoStep = (step: Step, id: string, before: string | null): Step => {
  const isAlike = step.undo?.capability === step.capability;
  return {
    id,
    title: `Undo ${step.title ?? step.id}`,
    capability: step.undo?.capability ?? 'noop',
    input: step.undo?.input ?? {},
    depends_on: before === null ? [] : [before],
    // One that can't be undone is put aside for a person; the others are undone all the same.
    on_failure: 'skip',
    // Where the same tool undoes it, it does so in the same place.
    ...(isAlike && step.needs !== undefined ? { needs: step.needs } : {}),
    ...(isAlike && step.sandbox !== undefined ? { sandbox: step.sandbox } : {}),
  };
};

/** How many slots a step takes, or -1 where its items are an expression and so not known yet. */
export const sizeOf = (step: Step): number => {
  if (step.each === undefined) return 1;
  if ('count' in step.each && typeof step.each.count === 'number') return step.each.count;
  const items = (step.each as { items: unknown }).items;
  return Array.isArray(items) ? items.length : -1;
};

export const shapeOf = (plan: Plan, additions: readonly Addition[]): Shape => {
  // Slots are given out in the order in which the plan and its additions came, so a slot never changes its number.
  const steps: Step[] = [];
  const first: number[] = [];
  const count: number[] = [];
  const head: number[] = [];
  const undoes: number[] = [];
  const specOfSlot: number[] = [];
  const late = new Map<number, readonly Json[]>();
  const place = (at: number, slots: number) => {
    first[at] = specOfSlot.length;
    count[at] = slots;
    for (let slot = 0; slot < slots; slot += 1) specOfSlot.push(at);
  };
  const add = (step: Step, undone = -1) => {
    const at = steps.push(step) - 1;
    first.push(-1);
    count.push(0);
    head.push(-1);
    undoes.push(undone);
    const slots = sizeOf(step);
    if (slots >= 0) place(at, slots);
    else head[at] = specOfSlot.push(at) - 1;
  };
  for (const step of plan.steps) add(step);
  for (const addition of additions) {
    if (addition.kind === 'steps') for (const step of addition.steps) add(step);
    else if (addition.kind === 'items') {
      late.set(addition.spec, addition.items);
      place(addition.spec, addition.items.length);
    } else {
      let before: string | null = null;
      for (const slot of addition.slots) {
        const at = specOfSlot[slot] as number;
        const step = steps[at] as Step;
        const id: string = undoId(
          addition.round,
          step.each === undefined ? step.id : `${step.id}-${slot - (first[at] as number)}`,
        );
        add(undoStep(step, id, before), slot);
        before = id;
      }
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

  const next: number[][] = steps.map(() => []);
  const families = steps.map((step) => (step.each === undefined ? -1 : addGroup('family', step.id)));
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
      undoes: undoes[at] as number,
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
