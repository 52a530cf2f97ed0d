/** The organisation, its contacts, and its escalation policy: who is told, and in which order. */
import type { Language, Localised } from "./language.ts";

export interface Organisation {
  readonly name: Localised;
  readonly url?: string;
  /** First one is the default of the pages. */
  readonly languages: readonly [Language, ...Language[]];
  /** IANA zone in which days begin and times are printed. */
  readonly timeZone: string;
}

export interface Contact {
  readonly id: string;
  readonly name: string;
  /** IANA zone in which times are printed for this person. */
  readonly timeZone: string;
  /** May open the team pages; needs an e-mail address. */
  readonly email?: string;
  /** Address by channel name, parsed by that channel's `address` schema; `email` is there too. */
  readonly addresses: Readonly<Record<string, unknown>>;
}

export interface EscalationStep {
  readonly afterSeconds: number;
  /** Contact ids. */
  readonly notify: readonly string[];
}

/** When what comes and goes is one incident. */
export interface FlappingSettings {
  /** Down again so soon after its end, the same incident goes on; 0: never. */
  readonly withinSeconds: number;
  /** From then on it is over when it was well for so long. */
  readonly quietSeconds: number;
}

/** Everything the alerts need to know about people. */
export interface OnCall {
  readonly contacts: readonly Contact[];
  readonly escalation: readonly EscalationStep[];
}
