/** Every page of the team, in the states it can be in, for tests of what holds for all pages. */
import { type CapacityModel, capacityModel } from "../../core/capacity/capacity.ts";
import type { Localised } from "../../core/language.ts";
import type { OutboxReport } from "../../core/reports.ts";
import { errorPage } from "../../dashboards/parts/error-page.ts";
import type { LayoutProps } from "../../dashboards/parts/layout.ts";
import { type AcknowledgeView, acknowledgePage } from "../../dashboards/team/acknowledge-page.ts";
import { capacityPage } from "../../dashboards/team/capacity.ts";
import { outboxPage } from "../../dashboards/team/outbox.ts";
import { teamPages } from "../../dashboards/team/pages.ts";
import { confirmSignInPage, linkSentPage, signInPage, teamPage } from "../../dashboards/team/sign-in-page.ts";
import { annotations } from "./every-page.ts";
import { calmOutbox, troubledOutbox } from "./outbox-scene.ts";
import { ago, contractor, daySeconds, outage, service } from "./status-scene.ts";

const now = Temporal.Instant.from("2026-11-23T18:42:10Z");

const mastodon = service("mastodon", [[900, "down"]], { name: "Mastodon" });
const open = outage(now, 42, mastodon, { startedSecondsAgo: 900 }).incident;
const taken = outage(now, 42, mastodon, { startedSecondsAgo: 900, by: "Camille" }).incident;
const over = outage(now, 42, mastodon, { startedSecondsAgo: 900, resolvedSecondsAgo: 60 }).incident;
const acknowledge = (view: Pick<AcknowledgeView, "incident" | "result">) => (props: LayoutProps) =>
  acknowledgePage({ contact: contractor, now, ...view }, props);

type Input = Parameters<typeof capacityModel>[0];

/** Something that fills, by a size for each day; the last one is of today, or of some days ago. */
function filling(
  id: string,
  name: Localised,
  sizes: readonly number[],
  { lastDaysAgo = 0, ...change }: Partial<Input> & { readonly lastDaysAgo?: number } = {},
): CapacityModel {
  const oldest = lastDaysAgo + sizes.length - 1;
  return capacityModel({
    target: { id, name },
    plan: {
      check: "growth",
      limitBytes: 100e9,
      usableFraction: 0.9,
      leadDays: 14,
      sizes: [
        { name: "100 GB", bytes: 100e9, monthly: 120 },
        { name: "Professional-2XL_high-availability", bytes: 250e9, monthly: 1290.5 },
        { name: "1 TB", bytes: 1e12, monthly: 2900 },
      ],
    },
    store: "cluster",
    daily: sizes.map((value, day) => ({ at: ago(now, (oldest - day) * daySeconds), value })),
    ...(lastDaysAgo === 0 && { newest: { at: now, value: (sizes.at(-1) ?? 0) + 0.4e9 } }),
    parts: [],
    now,
    ...change,
  });
}

const days = (count: number, size: (day: number) => number) => Array.from({ length: count }, (_, day) => size(day));
const table = (name: string, bytes: number): Input["parts"][number] => ({
  name,
  kind: "table",
  points: days(30, (day) => bytes + 1e8 * day).map((value, day) => ({ at: ago(now, (29 - day) * daySeconds), value })),
});

/** An import that the forecast leaves out, and names that a server chose. */
const database = filling(
  "database",
  { en: "Database", fr: "Base de données" },
  days(120, (day) => (44.2 + 0.2 * day + 0.1 * Math.sin(day) + (day < 60 ? 0 : 8)) * 1e9),
  {
    parts: [
      table("mastodon_production.statuses", 17e9),
      table(`mastodonproduction${"accountstatsummaries".repeat(3)}`, 1.4e9),
      { ...table("(others)", 100), kind: "others" },
    ],
  },
);
const media = filling(
  "media",
  { en: "Media cache of the big server in Montréal", fr: "Cache des médias du grand serveur de Montréal" },
  days(60, (day) => (86 + 0.06 * day) * 1e9),
);
const backups = filling(
  "backups",
  { en: "Backups", fr: "Sauvegardes" },
  days(90, () => 40e9),
);
const young = filling(
  "young",
  { en: "New disk", fr: "Nouveau disque" },
  days(5, (day) => (1 + day) * 1e9),
);
const endless = filling(
  "endless",
  { en: "Bucket", fr: "Bucket" },
  days(40, (day) => 123.4e6 + day * 1e5),
  {
    plan: { check: "growth", usableFraction: 0.9, leadDays: 14, sizes: [] },
  },
);
const stale = filling(
  "stale",
  { en: "Old disk", fr: "Ancien disque" },
  days(40, (day) => (20 + day / 4) * 1e9),
  { lastDaysAgo: 5 },
);

const capacity = (models: readonly CapacityModel[]) => (props: LayoutProps) =>
  capacityPage(models, { ...props, annotations, signedIn: "Robin" });
const outbox = (report: OutboxReport) => (props: LayoutProps) => outboxPage(report, { ...props, signedIn: "Robin" });
const error = (fault: Parameters<typeof errorPage>[0]) => (props: LayoutProps) =>
  errorPage(fault, props, props.organisation.languages ?? ["en", "fr"]);

export const everyTeamPage: Readonly<Record<string, (props: LayoutProps) => Promise<string>>> = {
  "sign in": (props) => signInPage(props),
  "link sent": (props) => linkSentPage(props),
  "too many links asked for": error("too-many"),
  "confirm the sign-in": (props) => confirmSignInPage("Robin", props),
  "link used": error("gone"),
  team: (props) => teamPage({ ...props, signedIn: "Robin" }, teamPages),
  acknowledge: acknowledge({ incident: open }),
  "acknowledge, taken": acknowledge({ incident: taken }),
  "acknowledge, taken by somebody else": acknowledge({ incident: taken, result: "taken" }),
  "acknowledge, done": acknowledge({ incident: taken, result: "done" }),
  "acknowledge, over": acknowledge({ incident: over, result: "over" }),
  capacity: capacity([database]),
  "capacity, several stores": capacity([database, media, backups, young, endless]),
  "capacity, nothing known yet": capacity([young]),
  "capacity, no longer measured": capacity([stale]),
  "capacity, nothing watched": capacity([]),
  "outbox, all calm": outbox(calmOutbox),
  "outbox, everything at once": outbox(troubledOutbox),
  "outbox, store not readable": outbox({ ...troubledOutbox, stored: undefined }),
  "outbox, no channel": outbox({ ...calmOutbox, channels: [] }),
};
