import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { type NameResolver, openResolver } from "../../../collector/network/dns-resolver.ts";
import { openHttp } from "../../../collector/network/http-client.ts";
import { deadlinePassed } from "../../../core/deadline.ts";
import { Unreachable } from "../../../core/errors.ts";
import type { HttpRequest } from "../../../core/probe.ts";
import { certificate } from "../../helpers/certificates.ts";
import { bytesServer, closedPort, dnsServer, httpServer, httpsServer, tcpServer } from "../../helpers/servers.ts";

const userAgent = "Tidewatch/test (+https://status.example/; contact@example.org)";

function setup(servers?: readonly string[]) {
  const end = new AbortController();
  const http = openHttp({ userAgent, servers }).forRun(end.signal);
  return { end, http };
}

async function failure(url: string, request?: HttpRequest, { http } = setup()): Promise<Unreachable> {
  const error: unknown = await http.get(url, request).then(
    (answer) => new Error(`answered ${answer.status}`),
    (reason) => reason,
  );
  if (error instanceof Unreachable) return error;
  throw new Error("not Unreachable", { cause: error });
}

/** The deadline passes when the server has got this far. */
async function lateFailure(url: string, isThere: Promise<unknown>, request?: HttpRequest): Promise<Unreachable> {
  const parts = setup();
  const failed = failure(url, request, parts);
  await isThere;
  await new Promise((resolve) => setImmediate(resolve));
  parts.end.abort(deadlinePassed());
  return failed;
}

test("the phases of an answer add up to its total", async () => {
  const headersRead = Promise.withResolvers<void>();
  const heard = () => headersRead.resolve();
  subscribe("undici:request:headers", heard);
  onTestFinished(() => void unsubscribe("undici:request:headers", heard));
  await using server = await httpServer((_request, response) => {
    setTimeout(async () => {
      response.writeHead(200);
      response.write("first");
      // However late the beginning is read on a busy machine, the rest is later still.
      await headersRead.promise;
      setTimeout(() => response.end("second"), 40);
    }, 60);
  });
  const began = performance.now();
  const { phases, status, family, address } = await setup().http.get(server.url);
  const elapsed = (performance.now() - began) / 1000;
  expect({ status, family, address }).toEqual({ status: 200, family: 4, address: "127.0.0.1" });
  const { total = 0, processing = 0, transfer = 0, tls, resolve = 0, connect = 0 } = phases;
  expect(resolve + connect + processing + transfer).toBeCloseTo(total, 6);
  expect(processing).toBeGreaterThan(0.05);
  expect(transfer).toBeGreaterThan(0.03);
  expect(total).toBeLessThanOrEqual(elapsed);
  expect(tls).toBeUndefined();
});

test("introduces itself, asks for plain bytes and closes after one answer", async () => {
  const seen: Record<string, unknown>[] = [];
  await using server = await httpServer((request, response) => {
    seen.push({ ...request.headers, url: request.url, method: request.method });
    response.end("good");
  });
  const answer = await setup().http.get(`${server.url}/path?a=b#c`);
  expect(answer.text()).toBe("good");
  expect(seen).toEqual([
    expect.objectContaining({
      "user-agent": userAgent,
      "accept-encoding": "identity",
      url: "/path?a=b",
      method: "GET",
    }),
  ]);
  await server.allClosed();
});

test("credentials in an address are used and never shown", async () => {
  const seen: unknown[] = [];
  await using server = await httpServer((request, response) => {
    seen.push(request.headers.authorization);
    response.end();
  });
  const { http } = setup();
  const answer = await http.get(`http://us%20er:p%zz@127.0.0.1:${server.port}/`);
  expect(seen).toEqual([`Basic ${Buffer.from("us er:p%zz").toString("base64")}`]);
  expect(answer.url.href).toBe(`${server.url}/`);
  const port = await closedPort();
  const failed = await failure(`http://user:hunter2@127.0.0.1:${port}/?token=hunter2`);
  expect(`${failed.message} ${failed.evidence}`).not.toContain("hunter2");
});

test("a refused connection says where", async () => {
  const port = await closedPort();
  const began = performance.now();
  const failed = await failure(`http://127.0.0.1:${port}/`);
  expect(failed).toMatchObject({ message: `refused on 127.0.0.1:${port}`, stage: "connect" });
  expect(failed.phases.total).toBeLessThanOrEqual((performance.now() - began) / 1000);
});

test("a name with both families is reached on the one that answers, and the other attempt is on record", async () => {
  await using server = await httpServer((_request, response) => response.end("four"));
  const both: NameResolver = {
    addresses: async () => [
      { address: "::1", family: 6 },
      { address: "127.0.0.1", family: 4 },
    ],
  };
  const http = openHttp({ userAgent, resolver: both }).forRun(new AbortController().signal);
  const answer = await http.get(`http://both.example:${server.port}/`);
  expect(answer.family).toBe(4);
  // Where there is no IPv6, it is not even refused.
  expect(http.connections[0]?.timing.notes[0]).toMatch(/^\[::1\]:\d+ (refused|failed .*|cannot be reached .*) after/);
  expect(http.connections[0]?.timing.notes[1]).toMatch(/^127\.0\.0\.1:\d+ connected after/);
  const port = await closedPort();
  const only4 = await failure(`http://localhost:${port}/`, { family: 4 });
  expect(only4.message).toBe(`refused on 127.0.0.1:${port}`);
});

test("a server that accepts and never answers: the sentence says how far we came", async () => {
  const arrived = Promise.withResolvers<void>();
  await using server = await tcpServer((socket) => socket.once("data", () => arrived.resolve()));
  const failed = await lateFailure(server.url, arrived.promise);
  expect(failed.message).toMatch(/^connected in \d+ ms, then no answer within \d+ ms$/);
  expect(failed.stage).toBe("request");
  expect(failed.phases).toMatchObject({ connect: expect.any(Number), processing: expect.any(Number) });
  await server.allClosed();
});

test("a server that never begins TLS", async () => {
  const arrived = Promise.withResolvers<void>();
  await using server = await tcpServer((socket) => socket.once("data", () => arrived.resolve()));
  const failed = await lateFailure(`https://127.0.0.1:${server.port}/`, arrived.promise);
  expect(failed.message).toMatch(/^connected in \d+ ms, then no TLS handshake within \d+ ms$/);
  await server.allClosed();
});

test("a body that drips without end", async () => {
  const dripped = Promise.withResolvers<void>();
  await using server = await httpServer((_request, response) => {
    response.writeHead(200, { "content-length": "1000000" });
    let drops = 0;
    const timer = setInterval(() => {
      response.write("x");
      drops += 1;
      if (drops === 3) dripped.resolve();
    }, 5);
    response.once("close", () => clearInterval(timer));
  });
  const failed = await lateFailure(server.url, dripped.promise);
  expect(failed.message).toMatch(
    /^answered 200 after \d+ ms, then the body did not end within \d+ ms \(\d+ bytes? came\)$/,
  );
  await server.allClosed();
});

test("headers that drip without end", async () => {
  const dripped = Promise.withResolvers<void>();
  await using server = await tcpServer((socket) => {
    socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\nx-a: b\r\n", () => setTimeout(dripped.resolve, 20)));
  });
  const failed = await lateFailure(server.url, dripped.promise);
  expect(failed.message).toMatch(/then the headers of the answer did not end within/);
});

test("headers without end are cut off", async () => {
  await using server = await tcpServer((socket) => {
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\n");
      const pour = () => {
        while (!socket.destroyed && socket.write(`x-${"a".repeat(1000)}: ${"b".repeat(1000)}\r\n`));
      };
      socket.on("drain", pour);
      pour();
    });
  });
  expect((await failure(server.url)).message).toBe("the headers of the answer are longer than 33 kB");
  await server.allClosed();
});

test("interim answers without end stop at the deadline", async () => {
  const poured = Promise.withResolvers<void>();
  await using server = await tcpServer((socket) => {
    socket.once("data", () => {
      let count = 0;
      const timer = setInterval(() => {
        socket.write("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(100));
        count += 1;
        if (count === 3) poured.resolve();
      }, 2);
      socket.once("close", () => clearInterval(timer));
    });
  });
  expect((await lateFailure(server.url, poured.promise)).message).toMatch(/then no answer within/);
});

test("an endless body is cut at the limit and marked", async () => {
  await using server = await httpServer((_request, response) => {
    const pour = () => {
      while (!response.destroyed && response.write("x".repeat(10_000)));
    };
    response.on("drain", pour);
    pour();
  });
  const answer = await setup().http.get(server.url, { maxBodyBytes: 12_345 });
  expect({ truncated: answer.truncated, length: answer.body.length }).toEqual({ truncated: true, length: 12_345 });
  await server.allClosed();
});

test("a body of exactly the limit is whole, and none at all is no body", async () => {
  await using server = await httpServer((request, response) => response.end(request.url === "/none" ? "" : "12345"));
  const { http } = setup();
  const whole = await http.get(server.url, { maxBodyBytes: 5 });
  expect({ truncated: whole.truncated, text: whole.text() }).toEqual({ truncated: false, text: "12345" });
  expect((await http.get(`${server.url}/none`, { maxBodyBytes: 0 })).truncated).toBe(false);
  expect((await http.get(server.url, { method: "HEAD" })).body.length).toBe(0);
});

test.each([
  ["no answer in more than 3 MB on the line", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(500)],
  [
    "answered 200 with 0 bytes in more than 3 MB on the line",
    `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;${"a".repeat(20_000)}`,
  ],
])("%s is enough", async (sentence, bytes) => {
  await using server = await tcpServer((socket) => {
    socket.once("data", () => {
      const pour = () => {
        while (!socket.destroyed && socket.write(socket.bytesWritten === 0 ? bytes : bytes.slice(-20_000)));
      };
      socket.on("drain", pour);
      pour();
    });
  });
  expect((await failure(server.url)).message).toBe(sentence);
  await server.allClosed();
});

test("a body in a hundred thousand pieces takes no more memory than its bytes", async () => {
  const pieces = "1\r\nx\r\n".repeat(100_000);
  await using server = await bytesServer(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${pieces}0\r\n\r\n`);
  const answer = await setup().http.get(server.url);
  expect(answer.body.length).toBe(100_000);
  expect(answer.body.buffer.byteLength).toBeLessThan(300_000);
});

test.each([
  ["SSH-2.0-OpenSSH_9.2\r\n", /^the answer is not HTTP$/],
  ["\u0000\u0001\u0002\u001b[31m", /^the answer is not HTTP$/],
  ["HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort", /^answered 200, then the body broke off after 5 bytes$/],
  ["HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx", /^the answer is not HTTP$/],
  [
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    /^answered 200, then the body broke the rules of HTTP$/,
  ],
  ["HTTP/1.1 200 OK\r\nx: y", /then the connection was closed in the middle of the headers$/],
  ["HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", /then the connection was closed/],
  ["HTTP/1.1 100 Continue\r\n\r\n", /then the connection was closed/],
  ["", /^connected in \d+ ms, then the connection was closed before an answer$/],
])("nonsense %j is explained", async (bytes, sentence) => {
  await using server = await bytesServer(bytes);
  const failed = await failure(server.url);
  expect(failed.message).toMatch(sentence);
  expect(failed.evidence).not.toContain("\u001b");
  await server.allClosed();
});

test("a server that speaks first and is no web server is quoted", async () => {
  await using server = await tcpServer((socket) => socket.write("220 mail.example ESMTP\r\n"));
  const failed = await failure(server.url);
  expect(failed.message).toBe("the answer is not HTTP");
  expect(failed.evidence).toContain("220 mail.example ESMTP");
});

test("a reset before and in the middle of an answer", async () => {
  await using before = await tcpServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
  expect((await failure(before.url)).message).toMatch(/then the connection was reset before an answer$/);
  await using middle = await tcpServer((socket) => {
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc", () =>
        setTimeout(() => socket.resetAndDestroy(), 20),
      );
    });
  });
  expect((await failure(middle.url)).message).toBe("answered 200, then the body broke off after 3 bytes");
});

test("redirects are followed only as asked, each connection measured, the last one shown", async () => {
  await using server = await httpServer((request, response) => {
    const hop = Number(request.url?.slice(1, 2));
    if (hop < 3) response.writeHead(302, { location: `/${hop + 1}?secret=1` }).end();
    else response.end("there");
  });
  const { http } = setup();
  expect((await http.get(`${server.url}/0`)).status).toBe(302);
  const answer = await http.get(`${server.url}/0`, { followRedirects: 3 });
  expect(answer.text()).toBe("there");
  expect(answer.redirects).toEqual([`${server.url}/0`, `${server.url}/1?…`, `${server.url}/2?…`]);
  const { total = 0, ...last } = answer.phases;
  expect(Object.values(last).reduce((sum, seconds) => sum + seconds, 0)).toBeLessThan(total);
  expect((await failure(`${server.url}/0`, { followRedirects: 2 })).message).toBe("gave up after 2 redirects");
});

test("a redirect takes no password to another server and leaves HTTP for nothing else", async () => {
  const seen: unknown[] = [];
  await using other = await httpServer((request, response) => {
    seen.push([request.method, request.headers.authorization, request.headers["x-own"]]);
    response.end();
  });
  await using server = await httpServer((request, response) => {
    const location = request.url === "/file" ? "file:///etc/passwd" : `http://a:b@127.0.0.1:${other.port}/`;
    response.writeHead(302, { location }).end();
  });
  const headers = { Authorization: "Bearer s3cret", "x-own": "kept" };
  await setup().http.get(server.url, { method: "POST", body: "x", headers, followRedirects: 1 });
  expect(seen).toEqual([["GET", undefined, "kept"]]);
  const failed = await failure(`${server.url}/file`, { followRedirects: 1 });
  expect(failed.message).toBe("redirects to an address that is not HTTP (file:)");
});

test("a server in public cannot send us into our own network, and one of our own may", async () => {
  const asked: unknown[] = [];
  await using inside = await httpServer((request, response) => {
    asked.push(request.url);
    response.end();
  });
  await using server = await httpServer((_request, response) => {
    response.writeHead(302, { location: `http://127.0.0.1:${inside.port}/metadata` }).end();
  });
  // Nothing here can listen in public. A name where an address should be is none of the private ones, and leads here.
  const resolver: NameResolver = {
    addresses: async (host) => [{ address: host === "public.example" ? "localhost" : host, family: 4 }],
  };
  const http = openHttp({ userAgent, resolver }).forRun(new AbortController().signal);
  const parts = { end: new AbortController(), http };
  const refused = await failure(`http://public.example:${server.port}/`, { followRedirects: 1 }, parts);
  expect(refused.message).toBe("leads to a private address (127.0.0.1)");
  expect(asked).toEqual([]);
  expect((await http.get(server.url, { followRedirects: 1 })).status).toBe(200);
  expect(asked).toEqual(["/metadata"]);
});

test("strange headers do no harm", async () => {
  await using server = await bytesServer(
    Buffer.from(
      "HTTP/1.1 200 OK\r\n__proto__: a\r\nconstructor: b\r\nx-latin: caf\xe9\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 2\r\n\r\nok",
      "latin1",
    ),
  );
  const { headers } = await setup().http.get(server.url);
  expect(headers.get("__proto__")).toBe("a");
  expect(headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  expect(headers.get("x-latin")).toBe("caf\xe9");
});

test("JSON is given only when it is JSON of the shape asked for", async () => {
  await using server = await httpServer((request, response) =>
    response.end(request.url === "/bad" ? "{" : '{"version":"4.5"}'),
  );
  const { http } = setup();
  const answer = await http.get(server.url);
  expect(answer.json(z.object({ version: z.string() }))).toEqual({ version: "4.5" });
  expect(answer.json(z.object({ version: z.number() }))).toBeUndefined();
  expect((await http.get(`${server.url}/bad`)).json(z.unknown())).toBeUndefined();
});

const authority = certificate({ name: "Test Authority", authority: true });
const ca = authority.certPem;

test("a good certificate: its facts, and the handshake as a phase of its own", async () => {
  const leaf = certificate({ name: "localhost", hosts: ["localhost"], by: authority });
  await using server = await httpsServer(leaf, (_request, response) => response.end("good"));
  const answer = await setup().http.get(`https://localhost:${server.port}/`, { ca });
  expect(answer.tls).toMatchObject({
    protocol: "TLSv1.3",
    chain: [{ subject: "CN=localhost", issuer: "CN=Test Authority" }],
  });
  expect(answer.tls?.expiresAt.epochMilliseconds).toBe(leaf.validTo.getTime());
  const { total = 0, ...parts } = answer.phases;
  expect(Object.keys(parts)).toEqual(["resolve", "connect", "tls", "processing", "transfer"]);
  expect(Object.values(parts).reduce((sum, seconds) => sum + seconds, 0)).toBeCloseTo(total, 6);
  await server.allClosed();
});

test("the earliest end of the chain counts", async () => {
  const soon = new Date(Math.floor(Date.now() / 1000) * 1000 + 86_400_000);
  const middle = certificate({ name: "Middle", authority: true, by: authority, validTo: soon });
  const leaf = certificate({ name: "leaf", hosts: ["127.0.0.1"], by: middle });
  await using server = await httpsServer(leaf, (_request, response) => response.end(), { chain: [middle] });
  const { tls } = await setup().http.get(server.url, { ca });
  expect(tls?.chain.map(({ subject }) => subject)).toEqual(["CN=leaf", "CN=Middle"]);
  expect(tls?.expiresAt.epochMilliseconds).toBe(soon.getTime());
});

const past = new Date("2024-01-20T12:00:00Z");
const middle = certificate({ name: "Middle", authority: true, by: authority });
const oldMiddle = certificate({
  name: "Old Middle",
  authority: true,
  by: authority,
  validFrom: new Date("2023-01-01"),
  validTo: past,
});
const stranger = certificate({ name: "Stranger", authority: true });
const hosts = ["localhost"];

test.each([
  [
    "expired",
    { leaf: certificate({ name: "a", hosts, by: authority, validFrom: new Date("2023-01-01"), validTo: past }) },
    "TLS: certificate expired 2024-01-20",
  ],
  [
    "not valid yet",
    {
      leaf: certificate({
        name: "a",
        hosts,
        by: authority,
        validFrom: new Date("2099-01-02"),
        validTo: new Date("2099-02-01"),
      }),
    },
    "TLS: certificate is not valid before 2099-01-02",
  ],
  ["self-signed", { leaf: certificate({ name: "localhost", hosts }) }, "TLS: certificate is self-signed"],
  [
    "for another name",
    { leaf: certificate({ name: "a", hosts: ["a.example", "b.example", "c.example"], by: authority }) },
    "TLS: certificate is for a.example, b.example and 1 more, not for localhost",
  ],
  [
    "without its issuer",
    { leaf: certificate({ name: "a", hosts, by: middle }) },
    "TLS: incomplete chain: the server does not send the certificate of its issuer “Middle”",
  ],
  [
    "of an expired issuer",
    { leaf: certificate({ name: "a", hosts, by: oldMiddle }), chain: [oldMiddle] },
    "TLS: certificate of its issuer “Old Middle” expired 2024-01-20",
  ],
  [
    "of an unknown authority",
    { leaf: certificate({ name: "a", hosts, by: stranger }), chain: [stranger] },
    "TLS: certificate comes from an authority nobody knows, “Stranger”",
  ],
])("a certificate %s is refused with the reason", async (_kind, { leaf, ...rest }, sentence) => {
  await using server = await httpsServer(leaf, (_request, response) => response.end(), rest);
  const { http, end } = setup();
  const failed = await failure(`https://localhost:${server.port}/`, { ca }, { http, end });
  expect(failed).toMatchObject({ message: sentence, stage: "tls" });
  expect(failed.evidence).toContain("certificate: CN=");
  expect(http.connections[0]?.timing.tls?.expiresAt.epochMilliseconds).toBeLessThanOrEqual(leaf.validTo.getTime());
  await server.allClosed();
});

test("https on a port that speaks plain HTTP, and on one that hangs up", async () => {
  await using plain = await httpServer((_request, response) => response.end());
  expect((await failure(`https://localhost:${plain.port}/`)).message).toBe(
    "TLS: the server does not speak TLS on this port",
  );
  await using rude = await tcpServer((socket) => socket.once("data", () => socket.destroy()));
  expect((await failure(`https://localhost:${rude.port}/`)).message).toBe(
    "TLS: the server closed the connection during the handshake",
  );
});

test("a shutdown is no failure of the server", async () => {
  const arrived = Promise.withResolvers<void>();
  await using server = await tcpServer((socket) => socket.once("data", () => arrived.resolve()));
  const { http, end } = setup();
  const asked = http.get(server.url);
  await arrived.promise;
  const reason = new Error("shutting down");
  end.abort(reason);
  await expect(asked).rejects.toBe(reason);
  await expect(http.get(server.url)).rejects.toBe(reason);
  await server.allClosed();
});

test("an address that is not HTTP is a fault of ours", async () => {
  await expect(setup().http.get("ftp://127.0.0.1/")).rejects.toThrow(TypeError);
  await expect(setup().http.get("not an address")).rejects.toThrow(TypeError);
});

test("names come from the name server that is configured", async () => {
  await using server = await httpServer((request, response) => response.end(request.headers.host));
  await using dns = await dnsServer((name, type) => {
    if (name === "gone.example") return { code: "NXDOMAIN" };
    if (name === "broken.example") return { code: "SERVFAIL" };
    return { addresses: name === "only4.example" && type === "A" ? ["127.0.0.1"] : [] };
  });
  const parts = setup([dns.server]);
  expect((await parts.http.get(`http://only4.example:${server.port}/`)).text()).toBe(`only4.example:${server.port}`);
  const sentence = async (name: string, request?: HttpRequest) =>
    (await failure(`http://${name}/`, request, parts)).message;
  expect(await sentence("gone.example")).toBe("name gone.example does not exist");
  expect(await sentence("empty.example")).toBe("name empty.example has no address");
  expect(await sentence("only4.example", { family: 6 })).toBe("name only4.example has no IPv6 address");
  expect(await sentence("broken.example")).toBe("the name servers of broken.example are failing (SERVFAIL)");
  expect(dns.asked.filter((question) => question === "only4.example A")).toHaveLength(1);
  await parts.http.get(`http://only4.example:${server.port}/`);
  expect(dns.asked.filter((question) => question === "only4.example A")).toHaveLength(2);
});

test("a name server that is silent about one family delays nobody", async () => {
  await using dns = await dnsServer((_name, type) =>
    type === "A" ? { addresses: ["127.0.0.1"] } : { code: "silence" },
  );
  const resolver = openResolver({ servers: [dns.server] });
  const { signal } = new AbortController();
  expect(await resolver.addresses("half.example", { signal })).toEqual([{ address: "127.0.0.1", family: 4 }]);
});

test("IPv4 addresses that come late are waited for: where IPv6 leads nowhere they are the only way", async () => {
  await using dns = await dnsServer((_name, type) =>
    type === "A" ? { addresses: ["127.0.0.1"], afterMs: 300 } : { addresses: ["::1"] },
  );
  const resolver = openResolver({ servers: [dns.server] });
  const { signal } = new AbortController();
  expect(await resolver.addresses("both.example", { signal })).toEqual([
    { address: "::1", family: 6 },
    { address: "127.0.0.1", family: 4 },
  ]);
});

test("a name server that is silent: the wait ends with the run", async () => {
  await using dns = await dnsServer(() => ({ code: "silence" }));
  const parts = setup([dns.server]);
  const failed = failure("http://silent.example/", {}, parts);
  await expect.poll(() => dns.asked.length).toBeGreaterThan(0);
  parts.end.abort(deadlinePassed());
  expect((await failed).message).toMatch(/^no name server answered for silent\.example within/);
});

test("two hundred at once: every answer belongs to its question, and nothing is left open", async () => {
  await using server = await httpServer((request, response) => response.end(request.url));
  const { http } = setup();
  const numbers = Array.from({ length: 200 }, (_, index) => index);
  const answers = await Promise.all(numbers.map((number) => http.get(`${server.url}/${number}`)));
  expect(answers.map((answer) => answer.text())).toEqual(numbers.map((number) => `/${number}`));
  await server.allClosed();
});
