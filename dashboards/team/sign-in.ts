/** Who may open the team pages: one-time links by mail, and the signed cookie such a link is exchanged for. */
import { randomUUID } from "node:crypto";
import { signToken, verifyToken } from "../../core/action-token.ts";
import type { Notice } from "../../core/channel.ts";
import type { Clock } from "../../core/clock.ts";
import { inLanguage, type Language } from "../../core/language.ts";
import { wordsIn } from "../../core/languages/languages.ts";
import type { Contact, Organisation } from "../../core/organisation.ts";
import type { KeyStore } from "../../core/store/keys.ts";
import type { Store } from "../../core/store/store.ts";

/** How long a link waits to be used, and how long somebody stays signed in. */
export const linkSeconds = 30 * 60;
export const sessionSeconds = 12 * 3600;

/** A link that signs this contact in, once. It acts only when the button on its page is pressed. */
export async function signInLink(
  store: { readonly keys: Pick<KeyStore, "signing"> },
  baseUrl: string,
  contact: Pick<Contact, "id">,
  clock: Clock,
): Promise<string> {
  const key = await store.keys.signing("action");
  const token = signToken({ purpose: "sign-in", contact: contact.id, expires: inSeconds(clock, linkSeconds) }, key);
  return `${baseUrl.replace(/\/+$/, "")}/team/sign-in/${token}`;
}

/** Compared as people write them: spaces around and capitals mean nothing. */
export function contactWithEmail(contacts: readonly Contact[], email: string): Contact | undefined {
  const wanted = email.trim().toLowerCase();
  return contacts.find((contact) => contact.email?.trim().toLowerCase() === wanted);
}

export function signInNotice(
  link: string,
  contact: Contact,
  organisation: Pick<Organisation, "name" | "languages">,
  language: Language,
  now: Temporal.Instant,
): Notice {
  const [first] = organisation.languages;
  const text = wordsIn(language, first).signIn;
  const key = `sign-in-${randomUUID()}`;
  const name = inLanguage(organisation.name, language, first);
  return {
    key,
    kind: "sign-in",
    urgency: "now",
    contact: contact.id,
    channel: "email",
    thread: key,
    subject: text.subject(name).slice(0, 80),
    body: text.body(name, link, linkSeconds / 60),
    notBefore: now,
    notAfter: now.add({ seconds: linkSeconds }),
  };
}

/** Knows the signed texts that come back from browsers. Keys are asked of the store once. */
export class Doorkeeper {
  readonly #store: Pick<Store, "keys">;
  readonly #clock: Clock;
  readonly #contacts: () => readonly Contact[];
  readonly #keys = new Map<string, Uint8Array>();

  constructor(
    store: Pick<Store, "keys">,
    clock: Clock,
    /** As they are configured now: who is taken out of the configuration is out at once. */
    contacts: () => readonly Contact[],
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#contacts = contacts;
  }

  /** Which contact may take which incident with this link. */
  async acknowledges(text: string): Promise<{ readonly contact: Contact; readonly incident: number } | undefined> {
    const token = await this.#read(text, "action");
    if (token?.purpose !== "acknowledge") return undefined;
    const contact = this.#contact(token.contact);
    return contact && { contact, incident: token.incident };
  }

  /** Whom this link would sign in. Does not use it up. */
  async invites(text: string): Promise<Contact | undefined> {
    return (await this.#invitation(text))?.contact;
  }

  /** Uses the link up. @returns the contact with a cookie for it; nothing when it was used before. */
  async admits(text: string): Promise<{ readonly contact: Contact; readonly cookie: string } | undefined> {
    const invitation = await this.#invitation(text);
    if (!invitation) return undefined;
    const key = await this.#key("session");
    const { contact, id, expires } = invitation;
    if (!(await this.#store.keys.useOnce(id, Temporal.Instant.fromEpochMilliseconds(expires * 1000)))) return undefined;
    const session = {
      purpose: "session",
      contact: contact.id,
      expires: inSeconds(this.#clock, sessionSeconds),
    } as const;
    return { contact, cookie: signToken(session, key) };
  }

  /** Who is signed in with this cookie. */
  async knows(cookie: string | undefined): Promise<Contact | undefined> {
    if (cookie === undefined) return undefined;
    const token = await this.#read(cookie, "session");
    return token?.purpose === "session" ? this.#member(token.contact) : undefined;
  }

  async #invitation(text: string) {
    const token = await this.#read(text, "action");
    if (token?.purpose !== "sign-in") return undefined;
    const contact = this.#member(token.contact);
    return contact && { contact, id: token.id, expires: token.expires };
  }

  async #read(text: string, key: string) {
    const verified = verifyToken(text, await this.#key(key), this.#clock.now());
    return verified.ok ? verified.token : undefined;
  }

  async #key(name: string): Promise<Uint8Array> {
    const known = this.#keys.get(name) ?? (await this.#store.keys.signing(name));
    this.#keys.set(name, known);
    return known;
  }

  #contact(id: string): Contact | undefined {
    return this.#contacts().find((contact) => contact.id === id);
  }

  #member(id: string): Contact | undefined {
    const contact = this.#contact(id);
    return contact?.email === undefined ? undefined : contact;
  }
}

function inSeconds(clock: Clock, seconds: number): number {
  return Math.ceil(clock.now().epochMilliseconds / 1000) + seconds;
}
