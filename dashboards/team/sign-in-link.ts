/** The sign-in link: a one-time link to the team pages, whom it is for, and the mail that carries it. */
import { randomUUID } from "node:crypto";
import { expiresIn, signToken } from "../../core/action-token.ts";
import type { Clock } from "../../core/clock.ts";
import { inLanguage, type Language } from "../../core/language.ts";
import { wordsIn } from "../../core/languages/translations.ts";
import { headlineLength, type Notice, textSection } from "../../core/notice.ts";
import type { Contact, Organisation } from "../../core/organisation.ts";
import type { KeyStore } from "../../core/store/signing-keys.ts";

/** How long a link waits to be used. */
export const linkSeconds = 30 * 60;

/** A link that signs this contact in, once. It acts only when the button on its page is pressed. */
export async function signInLink(
  store: { readonly keys: Pick<KeyStore, "signing"> },
  baseUrl: string,
  contact: Pick<Contact, "id">,
  clock: Clock,
): Promise<string> {
  const key = await store.keys.signing("action");
  const token = signToken(
    { purpose: "sign-in", contact: contact.id, expires: expiresIn(linkSeconds, clock.now()) },
    key,
  );
  return `${baseUrl.replace(/\/+$/, "")}/team/sign-in/${token}`;
}

/** Finds the contact by e-mail address; spaces around it and capital letters do not matter. */
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
  const headline = text.subject(name).slice(0, headlineLength);
  return {
    key,
    kind: "sign-in",
    urgency: "now",
    to: { kind: "contact", id: contact.id },
    channel: "email",
    thread: key,
    headline,
    summary: headline,
    sections: [textSection(text.body(name, link, linkSeconds / 60))],
    actions: [],
    language,
    notBefore: now,
    notAfter: now.add({ seconds: linkSeconds }),
  };
}
