/** The rules of `dependsOn`: a check depends on checks that exist, and never on itself in a cycle. */

import { type CheckKey, checkKey } from "../sample.ts";
import { fault, type SettingFault, type SettingPath, shown } from "./faults.ts";
import { nearest } from "./spelling-suggestion.ts";

/** A check as far as its dependencies go. */
export interface NamedCheck {
  readonly target: string;
  readonly id: string;
  readonly dependsOn: readonly Dependency[];
}

interface Dependency {
  readonly written: string;
  readonly key: CheckKey;
  /** Where a fault in it is to be mended. */
  readonly path: SettingPath;
  /** It stands in the file; otherwise the kind brought it. */
  readonly isOwn: boolean;
}

export function dependencyFaults(checks: readonly NamedCheck[]): readonly SettingFault[] {
  const known = new Map(checks.map((check) => [keyOf(check), check]));
  const unknown = checks.flatMap((check) =>
    check.dependsOn.flatMap(({ key, written, path }) =>
      known.has(key) ? [] : [fault(path, unknownCheck(written, check, checks))],
    ),
  );
  // What a whole target depends on stands once in the file, and in each of its checks here.
  const once = new Map(unknown.map((one) => [JSON.stringify(one.path), one]));
  return [...once.values(), ...cycles(known)];
}

const keyOf = ({ target, id }: NamedCheck): CheckKey => checkKey({ target, check: id });

function unknownCheck(written: string, { target }: NamedCheck, checks: readonly NamedCheck[]): string {
  const own = checks.filter((check) => check.target === target).map(({ id }) => id);
  const inTarget = checks.filter((check) => check.target === written).map(keyOf);
  const what = `there is no check ${shown(written)}`;
  if (inTarget.length > 0) return `${what}: it is a target; name one of its checks, ${some(inTarget)}`;
  const meant = nearest(written, [...own, ...checks.map(keyOf)]);
  if (meant) return `${what}: did you mean "${meant}"?`;
  return `${what}: name one of this target (${some(own)}), or one of another as target/check`;
}

/** A few of them: there may be hundreds. */
function some(names: readonly string[]): string {
  return names.length > 6 ? `${names.slice(0, 6).join(", ")}, …` : names.join(", ");
}

interface DependencyStep {
  readonly from: CheckKey;
  readonly dependency: Dependency;
}

/** Each cycle is reported once, at a place where somebody wrote a part of it. */
function cycles(known: ReadonlyMap<CheckKey, NamedCheck>): readonly SettingFault[] {
  const done = new Set<CheckKey>();
  const faults: SettingFault[] = [];
  const follow = (from: CheckKey, trail: readonly DependencyStep[]): void => {
    const begun = trail.findIndex((step) => step.from === from);
    if (begun >= 0) faults.push(cycleFault(trail.slice(begun)));
    if (begun >= 0 || done.has(from)) return;
    for (const dependency of known.get(from)?.dependsOn ?? []) follow(dependency.key, [...trail, { from, dependency }]);
    done.add(from);
  };
  for (const key of known.keys()) follow(key, []);
  return faults;
}

function cycleFault(cycle: readonly DependencyStep[]): SettingFault {
  const at = Math.max(
    0,
    cycle.findLastIndex(({ dependency }) => dependency.isOwn),
  );
  const place = cycle[at];
  const start = place?.from ?? "";
  const names = [...cycle.slice(at), ...cycle.slice(0, at)].map(({ from }) => from);
  const around = [...names, start].join(" → ");
  const message = `${start} depends on itself (${around}): take one of these out, since none could ever be the cause`;
  return fault(place?.dependency.path ?? [], message);
}
