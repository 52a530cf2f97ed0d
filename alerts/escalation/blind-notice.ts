/** The note that we saw nothing for a while, told once it is over: to those who look after things by day. */
import { secondsBetween } from "../../core/clock.ts";
import { fallbackLanguage } from "../../core/language.ts";
import { spokenDuration } from "../../core/member-texts.ts";
import { headlineLength, type Notice, summaryLength } from "../../core/notice.ts";
import { plainText } from "../../core/plain-text.ts";
import { formatIn } from "../../core/time-zone.ts";
import { stepsOf } from "./plan.ts";
import type { Policy } from "./policy.ts";

export interface Blindness {
  readonly from: Temporal.Instant;
  readonly to: Temporal.Instant;
}

export function blindNotices(policy: Policy, { from, to }: Blindness): readonly Notice[] {
  const span = spokenDuration(secondsBetween(from, to)).en;
  const { thread, subject } = policy.ownThread(`blind-${from.epochMilliseconds}`, `We saw nothing for ${span}`);
  return stepsOf(policy.plan, "ticket").flatMap(({ recipients }) =>
    recipients.map(({ contact, channel }): Notice => {
      const [began, ended] = [from, to].map((at) => formatIn(at, contact.timeZone, "en", "time"));
      const what = `Tidewatch reached nobody from ${began} to ${ended}: its own connection was cut.`;
      return {
        key: `${thread}.${contact.id}.${channel}`,
        kind: "ticket",
        urgency: "soon",
        to: { kind: "contact", id: contact.id },
        channel,
        thread,
        headline: plainText(subject, headlineLength),
        summary: plainText(what, summaryLength),
        sections: [
          { about: "trouble", lines: [what] },
          {
            about: "text",
            lines: [
              "Nothing is known of the services in that time, and no outage was told. The status page says so.",
              "If it comes again: look at the network of the server that Tidewatch runs on, and at selfCheck.anchors.",
            ],
          },
        ],
        actions: [],
        language: fallbackLanguage,
        notBefore: to,
      };
    }),
  );
}
