/** From three failed tries to the mailbox and back: the real store, the real outbox and a real mail server. */
import { expect, test } from "vitest";
import email from "../../../alerts/channels/email.ts";
import { openDelivery } from "../../../alerts/delivery/delivery.ts";
import { silentLog } from "../../../core/log.ts";
import { Secret } from "../../../core/secret.ts";
import { startMailCatcher } from "../../../practice/servers/mail.ts";
import { systemClock } from "../../../program/system-clock.ts";
import { noHttp, onCall, World } from "../world.ts";

test("an outage and its end arrive as one thread", async () => {
  await using catcher = await startMailCatcher();
  // What happens in this world is over before it is told: its own clock is turned by a minute or two.
  await using world = await World.open({ start: systemClock.now().subtract({ minutes: 5 }).toString() });
  const options = email.options.parse({ from: "tidewatch@status.example", smtp: new Secret(catcher.url) });
  await using delivery = openDelivery({
    store: world.store,
    clock: systemClock,
    log: silentLog,
    hurry: async () => {},
    ...noHttp,
    onCall,
    channels: new Map([["email", { channel: email, options }]]),
  });
  const stop = new AbortController();
  const running = delivery.run(stop.signal);

  await world.breaks("mastodon/web");
  const page = arrival(catcher);
  delivery.wake();
  await page;
  await world.mends("mastodon/web");
  const end = arrival(catcher);
  delivery.wake();
  await end;

  const mails = catcher.mails();
  expect(mails.map(({ to, subject }) => `${to.join()} ${subject}`)).toEqual([
    "oncall@example.org [Tidewatch #1] Mastodon is down",
    "oncall@example.org Re: [Tidewatch #1] Mastodon is down",
  ]);
  expect(mails[0]?.text).toMatch(/^DOWN Mastodon since .* \(UTC-\d\), .* UTC\n/);
  expect(mails[1]?.text).toMatch(/^RESOLVED after /);
  expect(mails[0]?.references).toEqual(mails[1]?.references);
  expect(mails[0]?.inReplyTo).toBe(mails[1]?.inReplyTo);
  stop.abort();
  await running;
});

function arrival(catcher: Awaited<ReturnType<typeof startMailCatcher>>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const listening = catcher.onMail(() => {
    listening[Symbol.dispose]();
    resolve();
  });
  return promise;
}
