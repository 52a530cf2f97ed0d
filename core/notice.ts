/** A notice: one message to one addressee by one channel, written out when it was decided; its channel lays it out. */
import { z } from "zod";
import type { Language } from "./language.ts";

export const noticeKinds = ["page", "escalation", "resolve", "ticket", "announcement", "sign-in", "test"] as const;

const waking: ReadonlySet<Notice["kind"]> = new Set(["page", "escalation"]);
/** It wakes somebody: never given up while nobody else has been told. */
export const isWaking = ({ kind }: Pick<Notice, "kind">): boolean => waking.has(kind);

/** Somebody of the team, by the id in the configuration; a member who asked to be told; or a place where all can read it. */
export interface Addressee {
  readonly kind: "contact" | "subscriber" | "place";
  readonly id: string;
}
export const addresseeKinds = ["contact", "subscriber", "place"] as const satisfies readonly Addressee["kind"][];

/** What belongs together, in lines; a channel with little room leaves out what is of no use there. */
export const Section = z.object({
  about: z.enum(["trouble", "evidence", "members", "first-steps", "people", "times", "text"]),
  lines: z.array(z.string()).readonly(),
});
export type Section = z.output<typeof Section>;

/** What the reader can do about it, by a link that acts only after a press of a button on its page. */
export const Action = z.object({
  kind: z.enum(["acknowledge", "tell-members", "snooze"]),
  label: z.string(),
  /** What follows from it. */
  explanation: z.string(),
  url: z.string(),
});
export type Action = z.output<typeof Action>;

export interface Notice {
  /** Stable and unique: the same key is the same message, however often it is sent. Safe inside a Message-ID. */
  readonly key: string;
  readonly kind: (typeof noticeKinds)[number];
  readonly urgency: "now" | "soon";
  readonly incident?: number;
  /** Which step of its escalation it tells: the steps of each revision begin again at 0. */
  readonly step?: { readonly revision: number; readonly number: number };
  readonly to: Addressee;
  /** Channel name: the file name under alerts/channels/. */
  readonly channel: string;
  /** All notices with the same thread belong together ("incident-42"). */
  readonly thread: string;
  /** At most 80 characters; the same for every notice of a thread. */
  readonly headline: string;
  /** At most 160 characters: all that matters, for a text message or a locked screen. */
  readonly summary: string;
  /** All of it, in the order in which it is read. */
  readonly sections: readonly Section[];
  readonly actions: readonly Action[];
  /** That it is written in. */
  readonly language: Language;
  /** When it was decided to send it: not before. */
  readonly notBefore: Temporal.Instant;
  /** Worthless after; then it is dropped, not sent late. */
  readonly notAfter?: Temporal.Instant;
}

export const headlineLength = 80;
export const summaryLength = 160;

/** All of a notice as plain text, complete in itself: what to press stands before what to do by hand. */
export function noticeText({ sections, actions }: Pick<Notice, "sections" | "actions">): string {
  const buttons = actions.map(({ label, explanation, url }) => [`${label} (${explanation}):`, url]);
  const byHand = sections.findIndex(({ about }) => about === "first-steps");
  const blocks = sections.map(({ lines }) => lines);
  const all = byHand < 0 ? [...blocks, ...buttons] : blocks.toSpliced(byHand, 0, ...buttons);
  return `${all.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** A text that is written already as a section of its own. */
export const textSection = (text: string): Section => ({ about: "text", lines: text.replace(/\n$/, "").split("\n") });
