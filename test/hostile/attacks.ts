/** Hostile raw bytes in answer to an HTTP request: everything a server can send to harm whoever asked. */
import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";

/** @param path of the request, with its query. */
export type Attack = (socket: Socket, path: string) => void;

const chunked = ["transfer-encoding: chunked"];

/** Those who keep us waiting. */
export const slowAttacks: Readonly<Record<string, Attack>> = {
  "headers that drip": dripping("HTTP/1.1 200 OK\r\n", "x-a: b\r\n"),
  "a status line that drips": dripping("HTTP/1.1 2", "0"),
  "a body that drips": dripping(head(["content-length: 1000000"]), " "),
  "a body that drips without end": dripping(head([]), "{"),
  "no word at all": () => {},
};

/** What breaks the rules of HTTP, or keeps them in bad faith: it does not matter which page it stands in place of. */
export const protocolAttacks: Readonly<Record<string, Attack>> = {
  "a body of 2 GB": endless(head(["content-length: 2000000000"]), Buffer.alloc(65_536, "x"), 2_000_000_000),
  "a body of 2 GB in chunks of one byte": endless(head(chunked), "1\r\nx\r\n".repeat(10_000), 2_000_000_000),
  "one header without end": endless("HTTP/1.1 200 OK\r\nx-a: ", "b".repeat(65_536)),
  "headers without end": endless("HTTP/1.1 200 OK\r\n", `x-${"a".repeat(50)}: b\r\n`.repeat(1000)),
  "empty headers without end": endless("HTTP/1.1 200 OK\r\n", ":\r\n".repeat(10_000)),
  "thousands of headers": said(`HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(5000)}\r\n{}`),
  "two thousand headers of the same name": said(`HTTP/1.1 200 OK\r\n${"location: /\r\n".repeat(2000)}\r\n{}`),
  "a gzip bomb of 1 GB": said(answer("application/json", bomb(), ["content-encoding: gzip"])),
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

/** As many files in one, each of 10 MB; together they are shorter than the shortest limit. */
function bomb(): Uint8Array {
  const ten = gzipSync(Buffer.alloc(10_000_000), { level: 9 });
  return Buffer.concat(Array.from({ length: 100 }, () => ten));
}

function bytesOf(said: string | Uint8Array): Uint8Array {
  return typeof said === "string" ? Buffer.from(said, "latin1") : said;
}

export function head(lines: readonly string[], status = 200): string {
  return `HTTP/1.1 ${status} Whatever\r\n${[...lines, "connection: close"].map((line) => `${line}\r\n`).join("")}\r\n`;
}

export function answer(
  type: string,
  body: string | Uint8Array,
  more: readonly string[] = [],
  status = 200,
): Uint8Array {
  const bytes = bytesOf(body);
  return Buffer.concat([
    bytesOf(head([`content-type: ${type}`, `content-length: ${bytes.length}`, ...more], status)),
    bytes,
  ]);
}

function redirect(to: string): string {
  return head([`location: ${to}`, "content-length: 0"], 302);
}

export function said(bytes: string | Uint8Array): Attack {
  const whole = bytesOf(bytes);
  return (socket) => socket.end(whole);
}

/** Pours as fast as it is drunk, up to this many bytes; keeps none of them. */
export function endless(
  before: string | Uint8Array,
  piece: string | Uint8Array,
  most = Number.POSITIVE_INFINITY,
): Attack {
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

export function dripping(before: string, drop: string): Attack {
  return (socket) => {
    socket.write(bytesOf(before));
    const timer = setInterval(() => socket.write(bytesOf(drop)), 20);
    socket.once("close", () => clearInterval(timer));
  };
}
