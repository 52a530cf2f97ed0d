/** The mail catcher: real SMTP in, mails as people read them out, and every way of not taking one. */
import { createConnection } from "node:net";
import { createTransport } from "nodemailer";
import { expect, test } from "vitest";
import { type MailCatcher, startMailCatcher } from "../../practice/servers/mail.ts";

test("a caught mail is there as it was sent", async () => {
  await using catcher = await startMailCatcher({ now: () => Temporal.Instant.from("2026-11-23T12:00:00Z") });
  const heard: string[] = [];
  using _listening = catcher.onMail(({ subject }) => heard.push(subject));
  await send(catcher, {
    subject: "Panne : Mastodon est arrêté",
    text: "Première étape…",
    messageId: "<page-1@tidewatch.example>",
    inReplyTo: "<first@tidewatch.example>",
    references: ["<first@tidewatch.example>", "<second@tidewatch.example>"],
  });
  expect(catcher.mails()).toEqual([
    {
      from: "tidewatch@practice.example",
      to: ["contractor@practice.example", "techops@practice.example"],
      subject: "Panne : Mastodon est arrêté",
      messageId: "<page-1@tidewatch.example>",
      inReplyTo: "<first@tidewatch.example>",
      references: ["<first@tidewatch.example>", "<second@tidewatch.example>"],
      text: "Première étape…\n",
      html: undefined,
      raw: expect.stringContaining("Message-ID: <page-1@tidewatch.example>"),
      at: Temporal.Instant.from("2026-11-23T12:00:00Z"),
    },
  ]);
  expect(heard).toEqual(["Panne : Mastodon est arrêté"]);
  catcher.clear();
  expect(catcher.mails()).toEqual([]);
});

test("a listener that was ended hears no more", async () => {
  await using catcher = await startMailCatcher();
  const heard: string[] = [];
  const listening = catcher.onMail(({ subject }) => heard.push(subject));
  listening[Symbol.dispose]();
  await send(catcher, { subject: "hello" });
  expect(heard).toEqual([]);
  expect(catcher.mails()).toHaveLength(1);
});

test.each([
  ["refuse", 550],
  ["tempfail", 451],
] as const)(
  "blocked with %s it answers %d and catches nothing, until it is let through",
  async (mode, responseCode) => {
    await using catcher = await startMailCatcher();
    catcher.block(mode);
    expect(catcher.blocked()).toBe(mode);
    await expect(send(catcher, { subject: "blocked" })).rejects.toMatchObject({ responseCode });
    expect(catcher.mails()).toEqual([]);
    catcher.block("none");
    await send(catcher, { subject: "through" });
    expect(catcher.mails().map(({ subject }) => subject)).toEqual(["through"]);
  },
);

test("blocked with hang it answers nothing, and still stops at once", async () => {
  const catcher = await startMailCatcher();
  catcher.block("hang");
  await expect(send(catcher, { subject: "lost" }, { socketTimeout: 300 })).rejects.toMatchObject({ code: "ETIMEDOUT" });
  const hanging = send(catcher, { subject: "lost" }).catch((error: unknown) => error);
  const began = performance.now();
  await catcher[Symbol.asyncDispose]();
  // Who waits for the client waits for its patience: ten minutes.
  expect(performance.now() - began).toBeLessThan(30_000);
  expect(await hanging).toBeInstanceOf(Error);
});

test("a client that breaks off in the middle of a mail is no crash", async () => {
  await using catcher = await startMailCatcher();
  const socket = createConnection(catcher.port, "127.0.0.1");
  socket.on("error", () => {});
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  socket.on("close", () => resolve());
  const lines = ["EHLO x", "MAIL FROM:<a@practice.example>", "RCPT TO:<b@practice.example>", "DATA", "Subject: half"];
  socket.on("data", () => {
    const line = lines.shift();
    if (line) socket.write(`${line}\r\n`);
    if (lines.length === 0) socket.destroy();
  });
  await closed;
  await send(catcher, { subject: "whole" });
  expect(catcher.mails().map(({ subject }) => subject)).toEqual(["whole"]);
});

async function send(
  catcher: MailCatcher,
  mail: Readonly<Record<string, unknown>>,
  settings: { readonly socketTimeout?: number } = {},
): Promise<void> {
  const transport = createTransport({ host: "127.0.0.1", port: catcher.port, ...settings });
  try {
    await transport.sendMail({
      from: "tidewatch@practice.example",
      to: ["contractor@practice.example", "techops@practice.example"],
      text: "text",
      ...mail,
    });
  } finally {
    transport.close();
  }
}
