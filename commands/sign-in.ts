/** `tidewatch sign-in EMAIL`: a one-time link to the team pages, for when mail is what is broken. */
import { nearest } from "../core/config/spelling-suggestion.ts";
import { Refused } from "../core/errors.ts";
import type { Contact } from "../core/organisation.ts";
import { loadConfig } from "../program/config-file.ts";
import { readStore } from "../program/open-store.ts";
import { loadPlugins } from "../program/plug-ins.ts";
import { contactWithEmail, linkSeconds, signInLink } from "../program/sign-in-for-commands.ts";
import { systemClock } from "../program/system-clock.ts";
import { type Command, configOption, text } from "./lib/command.ts";

export const command: Command = {
  summary: "Prints a one-time link to the team pages, for when mail is what is broken",
  usage: "sign-in EMAIL [--config FILE]",
  example: "./tidewatch sign-in oncall@example.org",
  options: configOption,
  positionals: { least: 1, most: 1 },

  async run(args, { env, cwd, stdout, stderr }) {
    const file = text(args, "config") ?? configOption.config.default;
    const config = await loadConfig(file, { ...(await loadPlugins()), env, cwd });
    const contact = member(config.onCall.contacts, args.positionals[0] ?? "");
    await using store = await readStore(config.store);
    const link = await signInLink(store, config.server.url, contact, systemClock);
    // Only the link goes to stdout, so that it can be piped; whoever reads it can sign in.
    stderr.write(`Signs in as ${contact.name}, once, within ${linkSeconds / 60} minutes:\n`);
    stdout.write(`${link}\n`);
    return 0;
  },
};

function member(contacts: readonly Contact[], email: string): Contact {
  const found = contactWithEmail(contacts, email);
  if (found) return found;
  const known = contacts.map((contact) => contact.email).filter((address) => address !== undefined);
  const near = nearest(email, known);
  throw new Refused(
    `${email} is not the e-mail address of any contact.`,
    near
      ? `Did you mean ${near}?`
      : "Give a contact under `alerts.contacts` this `email`, and start Tidewatch with it.",
  );
}
