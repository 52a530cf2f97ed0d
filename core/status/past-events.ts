/** Past events that members read about: incidents, and the upgrades between them. */
import type { IncidentStatus } from "../incident.ts";
import type { Localised } from "../language.ts";
import { isShown, type Target } from "../target.ts";
import type { Annotation } from "../upgrade.ts";

/** Of a service that members see, by its name: "Mastodon", "upgraded 4.3.2 → 4.4.0". */
export interface Upgrade extends Pick<Annotation, "at" | "text"> {
  readonly name: Localised;
}

export type PastEvent = { readonly at: Temporal.Instant } & (
  | { readonly kind: "incident"; readonly status: IncidentStatus }
  | { readonly kind: "upgrade"; readonly upgrade: Upgrade }
);

/** Newest first. */
export function upgradesOf(targets: readonly Target[], annotations: readonly Annotation[]): readonly Upgrade[] {
  const names = new Map(targets.filter(isShown).map(({ id, name }) => [id, name]));
  return annotations
    .flatMap(({ target, at, text }) => {
      const name = names.get(target);
      return name ? [{ name, at, text }] : [];
    })
    .toSorted(newestFirst);
}

/** Newest first; an incident stands where it began. */
export function pastEvents(incidents: readonly IncidentStatus[], upgrades: readonly Upgrade[]): readonly PastEvent[] {
  const events: readonly PastEvent[] = [
    ...incidents.map((status) => ({ kind: "incident" as const, at: status.incident.startedAt, status })),
    ...upgrades.map((upgrade) => ({ kind: "upgrade" as const, at: upgrade.at, upgrade })),
  ];
  return events.toSorted(newestFirst);
}

const newestFirst = (a: { readonly at: Temporal.Instant }, b: { readonly at: Temporal.Instant }): number =>
  Temporal.Instant.compare(b.at, a.at);
