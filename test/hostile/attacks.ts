/** Everything a server can say to harm whoever listens: raw bytes on the connection, after a request has come. */
import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";

/** @param path of the request, with its query. */
export type Attack = (socket: Socket, path: string) => void;

const chunked = ["transfer-encoding: chunked"];
const xml = ["content-type: application/rss+xml"];
const rss = '<?xml version="1.0"?><rss version="2.0"><channel>';

/** What breaks the rules of HTTP, or keeps them in bad faith: it does not matter which page it stands in place of. */
export const protocolAttacks: Readonly<Record<string, Attack>> = {
  "a body of 2 GB": endless(head(["content-length: 2000000000"]), Buffer.alloc(65_536, "x"), 2_000_000_000),
  "a body of 2 GB in chunks of one byte": endless(head(chunked), "1\r\nx\r\n".repeat(10_000), 2_000_000_000),
  "one header without end": endless("HTTP/1.1 200 OK\r\nx-a: ", "b".repeat(65_536)),
  "headers without end": endless("HTTP/1.1 200 OK\r\n", `x-${"a".repeat(50)}: b\r\n`.repeat(1000)),
  "empty headers without end": endless("HTTP/1.1 200 OK\r\n", ":\r\n".repeat(10_000)),
  "thousands of headers": said(`HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(5000)}\r\n{}`),
  "two thousand headers of the same name": said(`HTTP/1.1 200 OK\r\n${"location: /\r\n".repeat(2000)}\r\n{}`),
  "headers that drip": dripping("HTTP/1.1 200 OK\r\n", "x-a: b\r\n"),
  "a status line that drips": dripping("HTTP/1.1 2", "0"),
  "a body that drips": dripping(head(["content-length: 1000000"]), " "),
  "a body that drips without end": dripping(head([]), "{"),
  "no word at all": () => {},
  "a gzip bomb": said(answer("application/json", gzipSync(Buffer.alloc(50_000_000)), ["content-encoding: gzip"])),
  "a body in five codings": said(answer("text/html", "x", ["content-encoding: gzip, br, zstd, deflate, gzip"])),
  "broken gzip": said(answer("application/json", "\u001f\u008b\u0008garbage", ["content-encoding: gzip"])),
  "50 redirects": (socket, path) => {
    const hop = Number(/hop=(\d+)/.exec(path)?.[1] ?? 0);
    socket.end(hop < 50 ? redirect(`${path.split("?", 1)[0]}?hop=${hop + 1}`) : answer("text/html", "there"));
  },
  "redirects in circles": (socket, path) => socket.end(redirect(path)),
  "a redirect to a file": said(redirect("file:///etc/passwd")),
  "a redirect to a script": said(redirect("javascript:alert(1)")),
  "a redirect to a closed port": said(redirect("http://127.0.0.1:1/")),
  "a redirect to a port that is none": said(redirect("http://127.0.0.1:99999/")),
  "a redirect to bytes": said(redirect("\u0000\u00ff\u001b[2J")),
  "a redirect of 30 kB": said(redirect(`/${"%".repeat(30_000)}`)),
  "a redirect to nowhere": said("HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n"),
  "chunks that end too early": said(`${head(chunked)}ffff\r\nshort`),
  "a chunk of a size that is none": said(`${head(chunked)}-1\r\nx\r\n0\r\n\r\n`),
  "a chunk of more than there are atoms": said(`${head(chunked)}${"f".repeat(40)}\r\nx\r\n0\r\n\r\n`),
  "a chunk extension without end": endless(`${head(chunked)}5;`, "a".repeat(65_536)),
  "trailers without end": endless(`${head(chunked)}0\r\n`, "x-a: b\r\n".repeat(10_000)),
  "a length and chunks": said(`${head(["content-length: 3", ...chunked])}5\r\nhello\r\n0\r\n\r\n`),
  "a length that is too long": said(`${head(["content-length: 100"])}short`),
  "a length that is too short": said(`${head(["content-length: 2"])}{}HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}`),
  "a length below zero": said(`${head(["content-length: -1"])}{}`),
  "a length beyond all numbers": said(`${head([`content-length: ${"9".repeat(40)}`])}{}`),
  "a length that is a word": said(`${head(["content-length: many"])}{}`),
  "two lengths": said(`${head(["content-length: 2", "content-length: 3"])}{}x`),
  "HTTP/0.9": said("<html>hello</html>"),
  "HTTP of the future": said("HTTP/9.9 200 OK\r\n\r\n"),
  "HTTP/2 unasked": said(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])),
  "another protocol": said("SSH-2.0-OpenSSH_9.2\r\n"),
  "random bytes": said(Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 7919 + (index >> 3)) % 256))),
  "zeros without end": endless("", Buffer.alloc(65_536)),
  "a status line of 1 MB": said(`HTTP/1.1 200 ${"O".repeat(1_000_000)}K\r\n\r\n{}`),
  "status 999": said("HTTP/1.1 999 No\r\ncontent-length: 0\r\n\r\n"),
  "status 000": said("HTTP/1.1 000 No\r\ncontent-length: 0\r\n\r\n"),
  "status 99999": said("HTTP/1.1 99999 No\r\ncontent-length: 0\r\n\r\n"),
  "no status": said("HTTP/1.1\r\n\r\n"),
  "status 101 unasked": said("HTTP/1.1 101 Go\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n\u0000"),
  "status 204 with a body": said("HTTP/1.1 204 None\r\ncontent-length: 5\r\n\r\nhello"),
  "status 304": said("HTTP/1.1 304 Not Modified\r\n\r\n"),
  "interim answers without end": endless("", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(1000)),
  "invitations to go on without end": endless("", "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000)),
  "headers of control characters": said("HTTP/1.1 200 OK\r\nx-a: \u0000\u001b[2J\u0007\r\nserver: \u009b2J\r\n\r\n{}"),
  "header names that are none": said(`${head(["\u0000: b", "a b: c", ": d", "__proto__: e", "constructor: f"])}{}`),
  "folded headers": said("HTTP/1.1 200 OK\r\nserver: a\r\n b\r\n\tc\r\n\r\n{}"),
  "bare line ends": said("HTTP/1.1 200 OK\nserver: a\n\n{}"),
  "a hang-up": (socket) => socket.end(),
  "a reset": (socket) => socket.resetAndDestroy(),
  "a reset in the body": (socket) => {
    socket.write(`${head(["content-length: 100"])}x`, () => socket.resetAndDestroy());
  },
};

/** Good HTTP with a body to choke on, in place of the document that was asked for. */
export const bodyAttacks: Readonly<Record<string, Attack>> = {
  "an empty body": said(answer("application/json", "")),
  "broken UTF-8 as JSON": said(answer("application/json", broken('{"version":"', '","software":{"name":"'))),
  "broken UTF-8 as HTML": said(answer("text/html", broken("<title>", "</title><a href='"))),
  "control characters": said(answer("application/json", JSON.stringify(document("\u0000\u001b[2J\u202e\u2066\ud800")))),
  "lists nested 100,000 deep": said(answer("application/json", nested("[", "]"))),
  "objects nested 100,000 deep": said(answer("application/json", nested('{"links":', "}", "1"))),
  "every known field nested 100,000 deep": said(answer("application/json", deepDocument())),
  "names of prototypes": said(answer("application/json", prototypes())),
  "huge numbers": said(answer("application/json", numbers())),
  "null in every field": said(answer("application/json", JSON.stringify(document(null)))),
  "a list in every field": said(answer("application/json", JSON.stringify(document([[], {}, null, 1])))),
  "a text of 900 kB in every field": said(answer("application/json", JSON.stringify(document("a/".repeat(6000))))),
  "addresses of other places": said(answer("application/json", JSON.stringify(document("http://[::1]:1/%00/@a?b#c")))),
  "nonsense as time": said(answer("application/json", JSON.stringify(document("+275760-09-13T00:00:00.001Z")))),
  "JSON that ends in the middle": said(answer("application/json", '{"version":"4.5.15","links":[{"rel":"self')),
  "a million empty objects": said(answer("application/json", `[${"{},".repeat(330_000)}{}]`)),
  "5 million empty objects": said(answer("application/json", `{"items":[${"{},".repeat(5_000_000)}{}]}`)),
  "a list of peers of 15 MB": said(
    answer("application/json", `{"federated_instances":${"[".repeat(7e6)}${"]".repeat(7e6)}}`),
  ),
  "a feed with one endless element": endless(`${head(xml)}${rss}<title>`, "a".repeat(65_536), 100_000_000),
  "a feed of a million items": endless(`${head(xml)}${rss}`, "<item><title>a</title></item>".repeat(2000), 100_000_000),
  "a feed of items without end tags": endless(`${head(xml)}${rss}`, "<item><title>".repeat(4000), 100_000_000),
  "a feed that laughs a billion times": said(answer("application/rss+xml", laughs())),
  "a feed of entities": said(
    answer("application/rss+xml", `${rss}${`<item><title>${"&amp;".repeat(40_000)}</title></item>`}</channel></rss>`),
  ),
  "a feed with a file in it": said(
    answer("application/rss+xml", `<!DOCTYPE rss SYSTEM "file:///etc/passwd">${rss}</channel></rss>`),
  ),
  "a feed of 100,000 attributes": said(
    answer("application/rss+xml", `${rss}<item ${'a="b" '.repeat(100_000)}/></channel></rss>`),
  ),
  "a feed of prototypes": said(
    answer(
      "application/rss+xml",
      `${rss}<__proto__ a="b">c</__proto__><constructor/><item><__proto__/></item></channel></rss>`,
    ),
  ),
  "a feed of unfinished comments": said(answer("application/rss+xml", rss + "<!--<![CDATA[<?".repeat(16_000))),
  "a feed of brackets": said(answer("application/rss+xml", rss + "<".repeat(200_000))),
  "a feed of name spaces": said(
    answer("application/rss+xml", `${rss}${"<a:b:c xmlns:='' />".repeat(10_000)}</channel></rss>`),
  ),
  "an Atom feed of beginnings": said(answer("application/atom+xml", `<feed>${"<entry><updated>".repeat(30_000)}`)),
  "an Atom feed of pictures": said(
    answer("application/atom+xml", `<feed><entry><updated>2026-11-23T00:00:00Z</updated>${"<img ".repeat(100_000)}`),
  ),
  "a declaration without end": said(answer("application/atom+xml", `<?xml${" ".repeat(900_000)}`)),
  "blanks without end": said(answer("text/html", " ".repeat(999_000))),
  "links without end": said(answer("text/html", `<a href="`.repeat(100_000))),
  "links to podcasts without end": said(answer("text/html", podcasts())),
  "titles without end": said(answer("text/html", `<title>${"\n".repeat(300)}`.repeat(3000))),
  "a maintenance page of blanks": said(answer("text/html", `<title>${" ".repeat(4000)}`, [], 503)),
  "counts of one line": said(
    answer("text/plain", `redis_messages_received_total 1\nconnected_clients{${'type="websocket"'.repeat(55_000)}`),
  ),
  "counts with open braces": said(answer("text/plain", `redis_messages_received_total{${"a".repeat(990_000)}`)),
  "counts of 500 kB in one label": said(answer("text/plain", `connected_clients{type="${'\\"'.repeat(480_000)}"} 1\n`)),
  "counts in 100,000 labels": said(answer("text/plain", `connected_clients{${'a="b",'.repeat(160_000)}`)),
  "counts that are none": said(
    answer("text/plain", "connected_clients 1e999\nconnected_clients NaN\nconnected_clients{a=} -\n".repeat(10_000)),
  ),
  "an image that is none": said(answer("image/png", "<html>")),
  "JSON that says it is HTML": said(answer("text/html", JSON.stringify(document("x")))),
  "a type that is none": said(answer(';;;,,,==="\u00ff', JSON.stringify(document("x")))),
  "a type of 20 kB": said(answer(`a/${"b".repeat(20_000)}`, "x")),
  "a range of all there is": said(
    answer("audio/mpeg", "xx", [`content-range: bytes 0-${"9".repeat(300)}/${"9".repeat(300)}`], 206),
  ),
};

/** On a connection where TLS was expected. */
export const tlsAttacks: Readonly<Record<string, Attack>> = {
  "plain HTTP": said("HTTP/1.1 400 Bad Request\r\n\r\n"),
  "random bytes": said(Buffer.from(Array.from({ length: 5000 }, (_, index) => (index * 7919) % 251))),
  "records without end": endless("", Buffer.concat([Buffer.from([0x16, 3, 3, 0x40, 0]), Buffer.alloc(0x4000)])),
  "a message of 16 MB": endless(Buffer.from([0x16, 3, 3, 0x40, 0, 2, 0xff, 0xff, 0xff]), Buffer.alloc(65_536)),
  "warnings without end": endless("", Buffer.from([0x15, 3, 3, 0, 2, 1, 90]).toString("latin1").repeat(1000)),
  "a fatal alert": said(Buffer.from([0x15, 3, 3, 0, 2, 2, 40])),
  "a record that drips": dripping("\u0016\u0003\u0003\u0040", "\u0000"),
  "no word at all": () => {},
  "a hang-up": (socket) => socket.end(),
};

function bytesOf(said: string | Uint8Array): Uint8Array {
  return typeof said === "string" ? Buffer.from(said, "latin1") : said;
}

function head(lines: readonly string[], status = 200): string {
  return `HTTP/1.1 ${status} Whatever\r\n${[...lines, "connection: close"].map((line) => `${line}\r\n`).join("")}\r\n`;
}

function answer(type: string, body: string | Uint8Array, more: readonly string[] = [], status = 200): Uint8Array {
  const bytes = bytesOf(body);
  return Buffer.concat([
    bytesOf(head([`content-type: ${type}`, `content-length: ${bytes.length}`, ...more], status)),
    bytes,
  ]);
}

function redirect(to: string): string {
  return head([`location: ${to}`, "content-length: 0"], 302);
}

function said(bytes: string | Uint8Array): Attack {
  const whole = bytesOf(bytes);
  return (socket) => socket.end(whole);
}

/** Pours as fast as it is drunk, up to this many bytes; keeps none of them. */
function endless(before: string | Uint8Array, piece: string | Uint8Array, most = Number.POSITIVE_INFINITY): Attack {
  const [first, bytes] = [bytesOf(before), bytesOf(piece)];
  return (socket) => {
    let poured = 0;
    const pour = () => {
      while (!socket.destroyed && poured < most) {
        poured += bytes.length;
        if (!socket.write(bytes)) return;
      }
      if (!socket.destroyed) socket.end();
    };
    socket.on("drain", pour);
    socket.write(first);
    pour();
  };
}

function dripping(before: string, drop: string): Attack {
  return (socket) => {
    socket.write(bytesOf(before));
    const timer = setInterval(() => socket.write(bytesOf(drop)), 20);
    socket.once("close", () => clearInterval(timer));
  };
}

function broken(...parts: readonly string[]): string {
  return parts.join("\u00ff\u00fe\u00c0\u0080\u00ed\u00a0\u0080\u00f4\u0090\u0080\u0080\u00e2\u0082");
}

function nested(open: string, close: string, middle = ""): string {
  return open.repeat(100_000) + middle + close.repeat(100_000);
}

/** Whatever a probe reads from an answer has one of these names; a function, for it is needed above. */
function fields(): readonly string[] {
  const names = `domain uri version urls configuration thumbnail contact contact_account links rel href type subject software
    server name code errors streaming streaming_api account username avatar header id url inbox outbox publicKey
    publicKeyPem endpoints sharedInbox preferredUsername created_at media_attachments preview_url statuses accounts
    hashtags site_view local_site site my_user federated_instances linked items instance queue_state federation_state
    fail_count published updated apps fqdn runState installationState health topic_list topics last_posted_at
    bumped_at about stats title users error error_type next_page timelines_access live_feeds local remote`;
  return names.split(/\s+/);
}

function document(value: unknown): unknown {
  return Object.fromEntries(fields().map((name) => [name, value]));
}

function deepDocument(): string {
  const deep = "[".repeat(1000) + "]".repeat(1000);
  return `{${fields().map((name) => `"${name}":${deep}`)},"links":[${"[".repeat(100_000)}${"]".repeat(100_000)}]}`;
}

function prototypes(): string {
  const evil = '{"outcome":"up","status":200,"code":200,"toString":1,"valueOf":{},"then":{}}';
  const inside = fields().map((name) => `"${name}":{"__proto__":${evil},"constructor":{"prototype":${evil}}}`);
  return `{"__proto__":${evil},"constructor":{"prototype":${evil}},"hasOwnProperty":1,${inside.join()}}`;
}

function numbers(): string {
  const huge = ["1e999", "-1e999", "9".repeat(400), "-0", "1e-999", "4294967296"];
  return `{${fields().map((name, index) => `"${name}":${huge[index % huge.length]}`)}}`;
}

function laughs(): string {
  const lines = Array.from({ length: 12 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`);
  return `<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY l0 "ha">${lines.join("")}]><rss><channel><title>&l12;</title></channel></rss>`;
}

function podcasts(): string {
  return Array.from({ length: 20_000 }, (_, n) => `<a href="/@podcast${n}">a</a>`).join("");
}
