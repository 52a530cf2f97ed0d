/** The line on the members' page about where everything is hosted: said only while it is known to be true. */
import { expect, test } from "vitest";
import { noConfirmation } from "../../../core/confirmation.ts";
import type { Sample } from "../../../core/sample.ts";
import { residencyStatus } from "../../../core/status/residency.ts";
import { statusPage } from "../../../dashboards/members/status.ts";
import { aCheck, cosocial, modelOf, scene, service } from "../../helpers/status-scene.ts";

const now = Temporal.Instant.from("2026-11-23T20:00:00Z");

function world(...looks: readonly { countries?: string; against?: string; hoursAgo?: number; isPublic?: boolean }[]) {
  const checks = looks.map(({ isPublic = true }, index) =>
    aCheck("social", `residency-${index}`, {
      probe: "residency",
      required: false,
      everySeconds: 3600,
      options: { public: isPublic },
    }),
  );
  const states = looks.map(({ countries = "CA", against = "networks RDAP", hoursAgo = 1 }, index) => {
    const last: Sample = {
      target: "social",
      check: `residency-${index}`,
      vantagePoint: "toronto",
      at: now.subtract({ hours: hoursAgo }),
      durationSeconds: 1,
      outcome: "up",
      readings: [{ metric: "residency_public_addresses", value: 3, labels: { countries, against } }],
    };
    return { target: "social", check: last.check, vantagePoint: "toronto", confirmation: noConfirmation, last };
  });
  const base = scene(now, [service("social", [[1000, "up"]])]);
  const targets = base.targets.map((target) => ({ ...target, checks: [...target.checks, ...checks] }));
  return { ...base, targets, checks: [...base.checks, ...states] };
}

test("everything that is public about it is one sentence: countries, witnesses, and the oldest look", () => {
  expect(residencyStatus(world({}, { against: "database", hoursAgo: 2 }))).toEqual({
    countries: ["CA"],
    against: ["networks", "database", "RDAP"],
    at: now.subtract({ hours: 2 }),
  });
});

test.each([
  ["nobody asked for it", world({ isPublic: false })],
  ["one look is too old", world({}, { hoursAgo: 4 })],
  ["one look did not find everything inside", world({}, { countries: "" })],
  ["a reading is not ours", world({ countries: "<b>" })],
  ["there is no such check", world()],
])("nothing is said when %s", (_why, input) => {
  expect(residencyStatus(input)).toBeUndefined();
});

test.each([
  [
    "en",
    "Hosted in Canada. 3 addresses were checked against our own list of networks and the address registries (RDAP)",
  ],
  [
    "fr",
    "Hébergement : Canada. 3 adresses vérifiées d’après notre propre liste de réseaux et les registres d’adresses (RDAP)",
  ],
] as const)("the page says it in %s, with the moment", async (language, sentence) => {
  const props = { organisation: cosocial, language, practice: false };
  const page = await statusPage(modelOf(world({})), props);
  expect(page).toContain(sentence);
  expect(page).toMatch(/\(RDAP\),[^<]*<time datetime="2026-11-23T19:00:00Z"/);
  const twice = await statusPage(modelOf(world({}, {})), props);
  expect(twice).toContain(language === "en" ? "All addresses were checked against" : "Adresses vérifiées d’après");
  const without = await statusPage(modelOf(world()), props);
  expect(without).not.toContain("RDAP");
});
