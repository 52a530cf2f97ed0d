/** Our own connection: a fault after five minutes of blindness, and one note about it afterwards. */
import { expect, test } from "vitest";
import { sameInAll } from "../../core/language.ts";
import { noticeText } from "../../core/notice.ts";
import type { Changes } from "../../core/store/changes.ts";
import { openConnectivity } from "../../program/connectivity-part.ts";
import { onCall, signingKey } from "../alerts/world.ts";
import { FakeClock } from "../helpers/fake-clock.ts";
import { testLog } from "../helpers/test-log.ts";

async function opened() {
  const clock = new FakeClock();
  const written: Changes[] = [];
  const alerts = {
    organisation: { name: sameInAll("Co-op"), languages: ["en"], timeZone: "UTC" } as const,
    targets: [],
    onCall,
    channels: ["email"],
    baseUrl: "https://status.example",
    signingKey,
  };
  const recorder = { include: (changes: Changes | undefined) => void (changes && written.push(changes)) };
  const connectivity = await openConnectivity({ clock, log: testLog() }, { alerts, recorder });
  return { clock, written, connectivity };
}

test("ten minutes blind: a fault after five, none afterwards, and one note to those who look after things by day", async () => {
  const { clock, written, connectivity } = await opened();
  connectivity.changed(false);
  await clock.turn(299);
  expect(connectivity.fault?.()).toBeUndefined();
  await clock.turn(2);
  connectivity.changed(false);
  expect(connectivity.fault?.()).toBe("we have reached nobody for 301 s ourselves");
  await clock.turn(299);
  clock.jump(86_400);
  connectivity.changed(true);
  expect(connectivity.fault?.()).toBeUndefined();
  connectivity.changed(true);
  const notices = written.flatMap(({ notices }) => notices ?? []);
  expect(notices.map(({ kind, to, headline }) => [kind, to.id, headline])).toEqual([
    ["ticket", "techops", "[Tidewatch] We saw nothing for 10 minutes"],
  ]);
  const [note] = notices;
  expect(note && noticeText(note)).toMatch(
    /^Tidewatch reached nobody from 07:00 Toronto \(UTC-5\) to 07:10 Toronto \(UTC-5\): its own connection was cut\.\n/,
  );
});

test("a short one is nobody's business", async () => {
  const { clock, written, connectivity } = await opened();
  connectivity.changed(false);
  await clock.turn(200);
  connectivity.changed(true);
  expect(written).toEqual([]);
});
