/** Every page of the members, in the states it can be in, for tests of what holds for all pages; the team's: every-team-page.ts. */
import { sameInAll } from "../../core/language.ts";
import { type HistoryInput, historyModel } from "../../core/status/history.ts";
import { historyPage } from "../../dashboards/members/history.ts";
import { statusPage } from "../../dashboards/members/status.ts";
import { errorPage } from "../../dashboards/parts/error-page.ts";
import type { LayoutProps } from "../../dashboards/parts/layout.ts";
import { withNote } from "../../dashboards/parts/note.ts";
import { ago, cosocial, daySeconds, modelOf, outage, type Past, type Scene, scene, service } from "./status-scene.ts";

const now = Temporal.Instant.from("2026-11-23T18:42:10Z");
const calm: Past = [
  [100 * daySeconds, "up"],
  [40 * daySeconds, "down"],
  [40 * daySeconds - 2000, "up"],
  [20 * daySeconds, "degraded"],
  [20 * daySeconds - 2000, "up"],
  [10 * daySeconds, "unknown"],
  [8 * daySeconds, "up"],
];
const forum = service("forum", calm, { name: { en: "Discussion forum", fr: "Forum de discussion" } });
const down = service("mastodon", [...calm, [900, "down"]], { name: "Mastodon" });
const slow = service("pixelfed", [...calm, [3000, "degraded"]], { name: "Pixelfed" });
const blind = service("podcasts", [...calm, [600, "unknown"]], { name: "Podcasts" });
const untold = service("wiki", [], { name: sameInAll("Wiki") });
const outages = [
  outage(now, 42, down, { startedSecondsAgo: 900, by: "Robin" }),
  outage(now, 41, forum, { startedSecondsAgo: 9 * daySeconds, resolvedSecondsAgo: 9 * daySeconds - 600 }),
];

export const annotations = [
  {
    target: "forum",
    at: ago(now, 2 * daySeconds),
    text: { en: "upgraded 3.4.1 → 3.5.0", fr: "mis à niveau 3.4.1 → 3.5.0" },
  },
  {
    target: "mastodon",
    at: ago(now, 33 * daySeconds),
    text: sameInAll(`changed ${"4.5.15+glitch.".repeat(12)} → 4.5`),
  },
];

const status = (input: Scene) => (props: LayoutProps) => statusPage(modelOf(input), props);
const history = (given: Partial<HistoryInput>) => (props: LayoutProps) => {
  const targets = [forum, down].map(({ target }) => target);
  const input = { now, zone: cosocial.timeZone, targets, incidents: [], annotations: [], measured: [], ...given };
  return historyPage(historyModel(input), props);
};
const measuredTimes = [
  { from: ago(now, 150 * daySeconds).epochMilliseconds, to: ago(now, 100 * daySeconds).epochMilliseconds },
  { from: ago(now, 30 * daySeconds).epochMilliseconds, to: now.epochMilliseconds },
];

const noted = (page: string, { language, organisation }: LayoutProps) =>
  withNote(page, "store", language, organisation.languages);

/** Every page that members see, in the states it can be in. */
export const everyPage: Readonly<Record<string, (props: LayoutProps) => Promise<string>>> = {
  "status, all good": status(scene(now, [forum])),
  "status, everything at once": status({
    ...scene(now, [forum, down, slow, blind, untold]),
    incidents: outages,
    annotations,
  }),
  "status, degraded": status(scene(now, [forum, slow])),
  "status, blind": status(scene(now, [blind])),
  "status, no data yet": status(scene(now, [untold])),
  "status, first day": status(scene(now, [service("mastodon", [[5 * 3600, "up"]], { name: "Mastodon" })])),
  "status, nothing to show": status(scene(now, [])),
  "status with a note": async (props) => noted(await status(scene(now, [forum]))(props), props),
  history: history({ incidents: outages, annotations, measured: measuredTimes }),
  "history with a note": async (props) => noted(await history({ incidents: outages })(props), props),
  "history, nothing yet": history({}),
  "not found": (props) => errorPage("not-found", props, props.organisation.languages ?? ["en", "fr"]),
};
