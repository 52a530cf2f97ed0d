import { readdirSync, statSync } from "node:fs";
import { parseArgs } from "node:util";
import { expect, test } from "vitest";
import type { Command } from "../../commands/lib/command.ts";

test("the program may be executed: npm makes it so, and a file that npm has changed stops the next git pull", () => {
  expect(statSync(new URL("../../main.ts.js", import.meta.url)).mode & 0o111).toBe(0o111);
});

const folder = new URL("../../commands/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".ts"));

test.each(files)("the example and the usage of %s can be typed as they stand", async (file) => {
  const { command }: { command: Command } = await import(new URL(file, folder).href);
  const name = file.replace(/\.ts$/, "");
  const [program, named, ...rest] = command.example.split(" ");
  expect([program, named]).toEqual(["./tidewatch", name]);
  expect(command.usage).toMatch(new RegExp(`^${name}( |$)`));
  const { positionals } = parseArgs({ args: rest, options: command.options ?? {}, allowPositionals: true });
  const { least, most } = command.positionals ?? { least: 0, most: 0 };
  expect(positionals.length).toBeGreaterThanOrEqual(least);
  expect(positionals.length).toBeLessThanOrEqual(most);
  for (const option of Object.keys(command.options ?? {})) expect(command.usage).toContain(`--${option}`);
});
