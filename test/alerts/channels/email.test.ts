/** E-mail against a real SMTP server: threads, headers, and every way in which a mail server says no. */
import { once } from "node:events";
import type { Socket } from "node:net";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { type ParsedMail, simpleParser } from "mailparser";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { describe, expect, test, vi } from "vitest";
import email from "../../../alerts/channels/email.ts";
import { DeliveryError } from "../../../core/errors.ts";
import { silentLog } from "../../../core/log.ts";
import { type Notice, noticeText } from "../../../core/notice.ts";
import { Secret } from "../../../core/secret.ts";
import { systemClock } from "../../../program/system-clock.ts";
import { noHttp } from "../world.ts";

const page: Notice = {
  key: "incident-42-k3f9x2.page-0.contractor.email",
  kind: "page",
  urgency: "now",
  incident: 42,
  to: { kind: "contact", id: "contractor" },
  channel: "email",
  thread: "incident-42-k3f9x2",
  headline: "[Tidewatch #42] Mastodon is down",
  summary: "DOWN Mastodon since 03:12 Vancouver (UTC-7), 10:12 UTC",
  sections: [
    { about: "trouble", lines: ["DOWN Mastodon since 03:12 Vancouver (UTC-7), 10:12 UTC"] },
    { about: "evidence", lines: ['<b>answered</b> "502" & é'] },
  ],
  actions: [
    { kind: "acknowledge", label: "Acknowledge", explanation: "one button", url: "https://status.example/a/k.p.m" },
  ],
  language: "en",
  notBefore: Temporal.Instant.from("2026-11-23T10:12:40Z"),
};
const { signal } = new AbortController();
const thread = { name: "incident-42-k3f9x2" };
const context = { signal, thread, copies: 0, countCopy: async () => {} };
const tools = { ...noHttp, clock: systemClock, log: silentLog };

interface MailServer extends AsyncDisposable {
  readonly port: number;
  readonly mails: readonly ParsedMail[];
  readonly raw: readonly string[];
  /** Messages whose last byte arrived, whatever the answer was. */
  readonly received: number;
}

async function mailServer(
  options: SMTPServerOptions = {},
  onReceived: (socket: Socket) => "take" | "cut" = () => "take",
) {
  const mails: ParsedMail[] = [];
  const raw: string[] = [];
  const sockets = new Set<Socket>();
  let received = 0;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    allowInsecureAuth: true,
    disableReverseLookup: true,
    closeTimeout: 100,
    async onData(stream, _session, answer) {
      const chunks: Uint8Array[] | undefined = await stream.toArray().catch(() => undefined);
      // Cut off before its last line: no mail.
      if (!chunks) return;
      const bytes = Buffer.concat(chunks);
      received++;
      const [socket] = sockets;
      if (socket && onReceived(socket) === "cut") return;
      raw.push(bytes.toString());
      mails.push(await simpleParser(bytes));
      answer(null);
    },
    ...options,
  });
  server.on("error", () => {});
  server.server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const listening = server.listen(0, "127.0.0.1");
  await once(listening, "listening");
  const address = listening.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    port,
    mails,
    raw,
    get received() {
      return received;
    },
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  } satisfies MailServer;
}

/** A server of bare lines, for what no proper one would do. */
async function rudeServer(onConnection: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onConnection(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

async function channelTo(port: number, credentials = "", wish = "") {
  const options = email.options.parse({
    from: "tidewatch@status.example",
    smtp: new Secret(`smtp://${credentials}127.0.0.1:${port}${wish}`),
  });
  return await email.open(options, tools);
}

const smtpError = (responseCode: number, message: string) => Object.assign(new Error(message), { responseCode });

async function failureOf(delivery: Promise<unknown>): Promise<DeliveryError> {
  const error = await delivery.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof DeliveryError)) throw new Error(`expected a DeliveryError, found ${String(error)}`);
  return error;
}

describe("a mail", () => {
  test("is plain text, complete, and marked as written by a machine", async () => {
    await using server = await mailServer();
    await using channel = await channelTo(server.port);
    await channel.deliver(page, "oncall@example.org", context);
    const [mail] = server.mails;
    expect(mail?.text?.trim()).toBe(noticeText(page).trim());
    expect(mail?.subject).toBe("[Tidewatch #42] Mastodon is down");
    expect(mail?.from?.text).toBe('"Tidewatch" <tidewatch@status.example>');
    expect(mail?.messageId).toBe("<incident-42-k3f9x2.page-0.contractor.email@status.example>");
    expect(mail?.headers.get("auto-submitted")).toBe("auto-generated");
    expect(mail?.headers.get("x-auto-response-suppress")).toBe("All");
    expect(server.raw[0]).toMatch(/^Importance: High\r$/im);
    expect(mail?.headers.has("precedence")).toBe(false);
    expect(mail?.date).toBeInstanceOf(Date);
    expect(server.raw[0]).toMatch(/^Date: .* (?:\+0000|GMT)\r$/m);
  });

  test("has the same text as HTML, escaped, with links and nothing from elsewhere", async () => {
    await using server = await mailServer();
    await using channel = await channelTo(server.port);
    await channel.deliver(page, "oncall@example.org", context);
    const html = server.mails[0]?.html || "";
    expect(html).toContain("&lt;b&gt;answered&lt;/b&gt; &quot;502&quot; &amp; é");
    expect(html).toContain('<a href="https://status.example/a/k.p.m">https://status.example/a/k.p.m</a>');
    expect(html).not.toMatch(/<(?:img|script|link|b)\b/);
  });

  test("of the same incident is one thread: page, escalation and the end", async () => {
    await using server = await mailServer();
    await using channel = await channelTo(server.port);
    const kinds = ["page", "escalation", "resolve"] as const;
    for (const kind of kinds)
      await channel.deliver({ ...page, kind, key: `${page.thread}.${kind}` }, "a@example.org", context);
    expect(server.mails.map(({ subject }) => subject)).toEqual([
      page.headline,
      `Re: ${page.headline}`,
      `Re: ${page.headline}`,
    ]);
    expect(new Set(server.mails.map(({ inReplyTo }) => inReplyTo))).toEqual(
      new Set(["<incident-42-k3f9x2@status.example>"]),
    );
    expect(new Set(server.mails.map(({ references }) => String(references))).size).toBe(1);
    expect(new Set(server.mails.map(({ messageId }) => messageId)).size).toBe(3);
  });

  test("sent again has the same Message-ID, so that the reader's program can tell", async () => {
    await using server = await mailServer();
    await using channel = await channelTo(server.port);
    for (const _again of [1, 2]) await channel.deliver(page, "a@example.org", context);
    expect(server.mails[1]?.messageId).toBe(server.mails[0]?.messageId);
  });

  test("cannot be given other headers by its text", async () => {
    await using server = await mailServer();
    await using channel = await channelTo(server.port);
    const evil = { ...page, key: "x>\r\nBcc: evil@example.net", headline: "down\r\nBcc: evil@example.net\r\n\r\nbody" };
    await channel.deliver(evil, "a@example.org", context);
    expect(server.mails[0]?.headers.has("bcc")).toBe(false);
    expect(server.mails[0]?.to).toMatchObject({ text: "a@example.org" });
    expect(server.raw[0]).not.toMatch(/^Bcc:/im);
  });
});

describe("a mail server that", () => {
  test.each([
    ["greylists the recipient", { onRcptTo: 451 }, "retry"],
    ["has no such mailbox", { onRcptTo: 550 }, "permanent"],
    ["relays for nobody", { onRcptTo: 554, text: "5.7.1 Relay access denied" }, "misconfigured"],
    ["does not like the sender", { onMailFrom: 553 }, "misconfigured"],
    ["has a full mailbox", { onData: 452 }, "retry"],
    ["takes the mail for spam", { onData: 554 }, "permanent"],
    ["is in the wrong state", { onData: 503 }, "retry"],
    ["is closing", { onRcptTo: 421 }, "retry"],
    ["is too busy for a greeting", { onConnect: 421 }, "retry"],
    ["blocks our address", { onConnect: 554 }, "misconfigured"],
  ] as const)("%s: %o is %s", async (_name, plan, verdict) => {
    const text = "text" in plan ? plan.text : "no";
    const codes: Readonly<Record<string, number | string>> = plan;
    const code = (stage: string) => {
      const found = codes[stage];
      return typeof found === "number" ? smtpError(found, text) : undefined;
    };
    await using server = await mailServer({
      onConnect: (_session, answer) => answer(code("onConnect")),
      onMailFrom: (_address, _session, answer) => answer(code("onMailFrom")),
      onRcptTo: (_address, _session, answer) => answer(code("onRcptTo")),
      onData: (stream, _session, answer) => {
        stream.resume();
        stream.on("end", () => answer(code("onData")));
      },
    });
    await using channel = await channelTo(server.port);
    const error = await failureOf(channel.deliver(page, "oncall@example.org", context));
    expect(`${error.verdict}: ${error.message}`).toMatch(new RegExp(`^${verdict}: `));
  });

  test("refuses the sign-in is misconfigured, and its answer is not repeated", async () => {
    const word = "correct horse";
    await using server = await mailServer({
      onAuth: ({ password }, _session, answer) => answer(smtpError(535, `5.7.8 no: ${password}`)),
    });
    await using channel = await channelTo(server.port, `tide:${encodeURIComponent(word)}@`);
    const error = await failureOf(channel.deliver(page, "oncall@example.org", context));
    expect(error.verdict).toBe("misconfigured");
    expect(error.message).toContain("535");
    expect(JSON.stringify({ ...error, message: error.message, cause: String(error.cause) })).not.toContain(word);
  });

  test("repeats the password in another answer does not bring it into the log", async () => {
    await using server = await mailServer({
      onAuth: (_auth, _session, answer) => answer(null, { user: "tide" }),
      onRcptTo: (_address, _session, answer) => answer(smtpError(550, "5.1.1 hunter2hunter2 is unknown")),
    });
    await using channel = await channelTo(server.port, "tide:hunter2hunter2@");
    const error = await failureOf(channel.deliver(page, "oncall@example.org", context));
    expect(error.message).toContain("[secret] is unknown");
    expect(error.verdict).toBe("permanent");
  });

  test("loses the connection after the text is asked for again, and not by the channel itself", async () => {
    let cuts = 0;
    await using server = await mailServer({}, (socket) => {
      if (cuts++ > 0) return "take";
      socket.destroy();
      return "cut";
    });
    await using channel = await channelTo(server.port);
    expect((await failureOf(channel.deliver(page, "oncall@example.org", context))).verdict).toBe("retry");
    expect(server.received).toBe(1);
    await channel.deliver(page, "oncall@example.org", context);
    expect(server.mails).toHaveLength(1);
  });

  test("accepts the connection and never says a word is left when the signal says so", async () => {
    await using server = await rudeServer(() => {});
    await using channel = await channelTo(server.port);
    const error = await failureOf(
      channel.deliver(page, "oncall@example.org", { ...context, signal: AbortSignal.timeout(200) }),
    );
    expect(error).toMatchObject({ verdict: "retry", message: "no answer from the mail server in time" });
  });

  test("is not there is tried again", async () => {
    const { port } = await (async () => {
      await using gone = await rudeServer(() => {});
      return gone;
    })();
    await using channel = await channelTo(port);
    expect((await failureOf(channel.deliver(page, "oncall@example.org", context))).verdict).toBe("retry");
  });

  test("is no mail server, or closes at once, is tried again", async () => {
    for (const greeting of ["HTTP/1.1 400 Bad Request\r\n\r\n", ""]) {
      await using server = await rudeServer((socket) => socket.end(greeting));
      await using channel = await channelTo(server.port);
      expect((await failureOf(channel.deliver(page, "oncall@example.org", context))).verdict).toBe("retry");
    }
  });

  test("waits for no goodbye is left with one, for each mail", async () => {
    const said: string[] = [];
    let open = 0;
    await using server = await rudeServer((socket) => {
      open++;
      socket.on("close", () => open--);
      const answers = ["250 mail", "250 well", "250 well", "354 go on"];
      socket.write("220 mail\r\n");
      createInterface({ input: socket }).on("line", (line) => {
        said.push(line);
        if (line === ".") socket.write("250 taken\r\n");
        // To the goodbye it says nothing.
        else if (/^[A-Z]{4}\b/.test(line) && answers.length > 0) socket.write(`${answers.shift()}\r\n`);
      });
    });
    {
      await using channel = await channelTo(server.port);
      await channel.deliver(page, "oncall@example.org", context);
      await vi.waitFor(() => expect(said.at(-1)).toBe("QUIT"));
    }
    await vi.waitFor(() => expect(open).toBe(0));
  });

  test("is told who we are by the method that the address names", async () => {
    const methods: (string | undefined)[] = [];
    const onAuth: SMTPServerOptions["onAuth"] = ({ method }, _session, answer) => {
      methods.push(method);
      answer(null, { user: "tide" });
    };
    await using server = await mailServer({ onAuth, authMethods: ["PLAIN", "LOGIN"] });
    for (const wish of ["", "?authMethod=LOGIN"]) {
      await using channel = await channelTo(server.port, "tide:hunter2@", wish);
      await channel.deliver(page, "oncall@example.org", context);
    }
    expect(methods).toEqual(["PLAIN", "LOGIN"]);
  });

  test("has a message of ours counted when all but its last line was sent, and not before", async () => {
    await using server = await mailServer();
    await using channel = await channelTo(server.port);
    const counted = Promise.withResolvers<void>();
    const countCopy = async () => {
      expect(server.received).toBe(0);
      await counted.promise;
    };
    const delivered = channel.deliver(page, "oncall@example.org", { ...context, countCopy });
    counted.resolve();
    await delivered;
    expect(server.received).toBe(1);
    const none = () => Promise.reject(new DeliveryError("no more copies", { verdict: "retry" }));
    const refused = failureOf(channel.deliver(page, "oncall@example.org", { ...context, countCopy: none }));
    expect((await refused).message).toBe("no more copies");
    expect(server.received).toBe(1);
  });
});

describe("the settings", () => {
  test("of the example are valid once the secret is looked up", () => {
    const smtp = new Secret("smtp://user:password@mail.example.org:587");
    expect(email.options.safeParse({ ...email.example, smtp }).success).toBe(true);
  });

  test.each(["mail.example.org", "https://mail.example.org", "smtp://", ""])("refuse %o without showing it", (text) => {
    const parsed = email.options.safeParse({ from: "a@example.org", smtp: new Secret(text) });
    expect(parsed.error?.issues[0]?.message).toContain("smtp://user:password@mail.example.org:587");
    if (text) expect(parsed.error?.message).not.toContain(`"${text}"`);
  });

  test("send no password over a connection without TLS, except on this machine", async () => {
    const sent: string[] = [];
    await using server = await rudeServer((socket) => {
      socket.write("220 mail ESMTP\r\n");
      socket.on("data", (bytes) => {
        sent.push(bytes.toString());
        socket.write(bytes.toString().startsWith("EHLO") ? "250-mail\r\n250 AUTH PLAIN LOGIN\r\n" : "502 no\r\n");
      });
    });
    const smtp = new Secret(`smtp://user:password@127.1:${server.port}`);
    await using channel = await email.open(email.options.parse({ from: "a@example.org", smtp }), tools);
    await failureOf(channel.deliver(page, "oncall@example.org", { ...context, signal: AbortSignal.timeout(2000) }));
    expect(sent.join("")).toMatch(/^EHLO/);
    expect(sent.join("")).not.toContain("AUTH");
  });
});
