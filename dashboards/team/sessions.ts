/** Sessions of the team: a sign-in link is verified and redeemed for a signed cookie, which says who is signed in. */
import { expiresIn, signToken, verifyToken } from "../../core/action-token.ts";
import type { Clock } from "../../core/clock.ts";
import type { Contact } from "../../core/organisation.ts";
import type { Store } from "../../core/store/store.ts";

/** How long somebody stays signed in. */
export const sessionSeconds = 12 * 3600;

/** Verifies the signed texts that browsers send back. Keys are read from the store once. */
export class Sessions {
  readonly #store: Pick<Store, "keys">;
  readonly #clock: Clock;
  readonly #contacts: () => readonly Contact[];
  readonly #keys = new Map<string, Uint8Array>();

  constructor(
    store: Pick<Store, "keys">,
    clock: Clock,
    /** As they are configured now: whoever is taken out of the configuration is signed out at once. */
    contacts: () => readonly Contact[],
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#contacts = contacts;
  }

  /** Which contact may acknowledge which incident with this link. */
  async verifyAcknowledgeLink(
    text: string,
  ): Promise<{ readonly contact: Contact; readonly incident: number } | undefined> {
    const token = await this.#read(text, "action");
    if (token?.purpose !== "acknowledge") return undefined;
    const contact = this.#contact(token.contact);
    return contact && { contact, incident: token.incident };
  }

  /** Whom this sign-in link is for. Does not use it up. */
  async verifyLink(text: string): Promise<Contact | undefined> {
    return (await this.#signInLink(text))?.contact;
  }

  /** Exchanges a sign-in link for a session. @returns the contact with the cookie; nothing when the link was used before. */
  async redeem(text: string): Promise<{ readonly contact: Contact; readonly cookie: string } | undefined> {
    const link = await this.#signInLink(text);
    if (!link) return undefined;
    const key = await this.#key("session");
    const { contact, id, expires } = link;
    if (!(await this.#store.keys.useOnce(id, Temporal.Instant.fromEpochMilliseconds(expires * 1000)))) return undefined;
    const session = {
      purpose: "session",
      contact: contact.id,
      expires: expiresIn(sessionSeconds, this.#clock.now()),
    } as const;
    return { contact, cookie: signToken(session, key) };
  }

  /** Who is signed in with this cookie. */
  async current(cookie: string | undefined): Promise<Contact | undefined> {
    if (cookie === undefined) return undefined;
    const token = await this.#read(cookie, "session");
    return token?.purpose === "session" ? this.#member(token.contact) : undefined;
  }

  async #signInLink(text: string) {
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
