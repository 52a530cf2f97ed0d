/** `tidewatch init`: asks addresses who they are and writes a first configuration about them. */
import { access, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Plugins } from "../core/config/config.ts";
import { shown } from "../core/config/faults.ts";
import { webAddress } from "../core/config/settings.ts";
import { codeOrName } from "../core/error-code.ts";
import { Refused } from "../core/errors.ts";
import type { Kind } from "../core/probe.ts";
import { isTimeZone } from "../core/time-zone.ts";
import { parseConfig } from "../program/config-file.ts";
import { detectSoftware, type Found } from "../program/detect-software.ts";
import { loadPlugins } from "../program/plug-ins.ts";
import { answeringAnchors } from "../program/usual-anchors.ts";
import { type Command, type CommandContext, text } from "./lib/command.ts";
import { type FirstConfig, firstConfig, said } from "./lib/first-config.ts";
import { reserve, usualPorts } from "./lib/reserved-port.ts";

export const command: Command = {
  summary: "Asks addresses who they are and writes a first configuration about them",
  usage: "init ADDRESS… [--output FILE]",
  example: "./tidewatch init https://social.example podcasts.example",
  options: { output: { type: "string", default: "tidewatch.yaml" } },
  positionals: { least: 1, most: 50 },
  async run(args, context) {
    const file = text(args, "output") ?? "tidewatch.yaml";
    const path = resolve(context.cwd, file);
    await refuseToOverwrite(path, file);
    const addresses = readAddresses(args.positionals);
    const [anchors, ...answers] = await Promise.all([
      answeringAnchors(),
      ...addresses.map((address) => detectSoftware(address, context)),
    ]);
    report(addresses, answers, context);
    const found = answers.flatMap((answer) => (answer.what === "nothing" ? [] : answer));
    if (found.length === 0) {
      context.stderr.write(
        "No address answered anything that can be watched, so nothing was written.\n" +
          "Check the addresses in a browser, or copy tidewatch.example.yaml to tidewatch.yaml and begin from there.\n",
      );
      return 1;
    }
    const ports = await otherPorts();
    await writeNew(path, file, compose({ found, anchors, ports }, file, await loadPlugins()));
    context.stdout.write(nextSteps(file, context.env["SMTP_URL"]));
    if (found.length < answers.length) context.stdout.write(leftOut(answers.length - found.length, file));
    return 0;
  },
};

async function refuseToOverwrite(path: string, file: string): Promise<void> {
  const there = await access(path).then(
    () => true,
    () => false,
  );
  if (there) throw alreadyThere(file);
}

const alreadyThere = (file: string): Refused =>
  new Refused(
    `${file} is there already, and init never overwrites.`,
    "Name another with --output FILE, or move it away.",
  );

/** An address without a scheme is meant as https. */
function readAddresses(written: readonly string[]): readonly URL[] {
  const addresses = written.map((word) => {
    const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(word) ? word : `https://${word}`;
    const good = webAddress().safeParse(address);
    const url = URL.parse(address);
    if (good.success && url) return url;
    const why = good.error?.issues[0]?.message ?? "it cannot be read";
    throw new Refused(`${shown(word)} is no address: ${why}.`, "Write it like https://social.example.");
  });
  return [...new Map(addresses.map((url) => [url.href, url])).values()];
}

function report(addresses: readonly URL[], answers: readonly Found[], { stdout, stderr }: CommandContext): void {
  for (const [index, answer] of answers.entries()) {
    const address = addresses[index]?.href ?? "";
    if (answer.what === "nothing") stderr.write(`${address}: not recognised (${answer.reason}); left out\n`);
    else stdout.write(`${address}: ${said(answer)}\n`);
  }
}

/** What is written must be good: it is read back before it reaches the disk. */
function compose(seen: Pick<FirstConfig, "found" | "anchors" | "ports">, file: string, plugins: Plugins): string {
  const kinds = Object.entries(plugins.probes).flatMap(([name, { kind }]): [string, Kind][] =>
    kind ? [[name, kind]] : [],
  );
  const written = firstConfig({ ...seen, timeZone: localZone(), kinds: Object.fromEntries(kinds) });
  parseConfig(written, { ...plugins, file, env: {} });
  return written;
}

function localZone(): string {
  const zone = Temporal.Now.timeZoneId();
  return /^[A-Z]/i.test(zone) && isTimeZone(zone) ? zone : "UTC";
}

async function writeNew(path: string, file: string, content: string): Promise<void> {
  try {
    await writeFile(path, content, { flag: "wx" });
  } catch (error) {
    const code = codeOrName(error);
    if (code === "EEXIST") throw alreadyThere(file);
    throw new Refused(`${file} cannot be written (${code}).`, "Name a place where you may write with --output FILE.");
  }
}

/** Where somebody else listens on the usual ones, the practice co-op perhaps. */
async function otherPorts(): Promise<FirstConfig["ports"]> {
  using first = await reserve(usualPorts.public);
  using second = await reserve(usualPorts.private);
  const ports = { public: first.port, private: second.port };
  return ports.public === usualPorts.public && ports.private === usualPorts.private ? undefined : ports;
}

function leftOut(count: number, file: string): string {
  const addresses = count === 1 ? "1 address was" : `${count} addresses were`;
  return `\n${addresses} left out, see above. To try again, delete ${file} first.\n`;
}

function nextSteps(file: string, smtp: string | undefined): string {
  const [check, start] =
    file === "tidewatch.yaml" ? ["", "npm start"] : [` --config ${file}`, `npm start -- --config ${file}`];
  return `
${file} is written. Next:
  1. Put the people to be told under \`alerts\` in ${file}, and take the # away there.
  2. ${mailServer(smtp)}
  3. \`./tidewatch check-config${check}\` says what is still wrong; then \`${start}\`.
`;
}

function mailServer(smtp: string | undefined): string {
  const host = URL.parse(smtp ?? "")?.host;
  if (host) return `SMTP_URL is set already: mail leaves by ${host}.`;
  return "Say where your mail server is: export SMTP_URL=smtp://user:password@mail.example.org:587";
}
