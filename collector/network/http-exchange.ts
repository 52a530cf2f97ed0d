/** One HTTP/1.1 request and its answer over an open connection, within limits of size; undici speaks the protocol. */
import type { Socket } from "node:net";
// The rest of undici, of which nothing is used here, would cost 3 MB of heap and 80 files.
import Client from "undici/lib/dispatcher/client.js";
import { codeOrName } from "../../core/error-code.ts";
import { Unreachable } from "../../core/errors.ts";
import { plainText } from "../../core/plain-text.ts";
import { inBytes, inSeconds } from "./formatting.ts";
import type { TimingTrace } from "./timing-trace.ts";

export interface Message {
  readonly origin: string;
  readonly path: string;
  readonly method: "GET" | "HEAD" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly maxBodyBytes: number;
  /** Another protocol to go on with; where the server agrees, its answer is all we want. */
  readonly upgrade?: "websocket";
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly truncated: boolean;
}

const maxHeaderBytes = 32 * 1024;
/** What stands around a body (interim answers, comments between chunks) may be without end, where all else is short. */
const mostOnTheLine = (bodyBytes: number): number => 2 * bodyBytes + 1_000_000;

export function exchange(
  socket: Socket,
  message: Message,
  { signal, timing }: { readonly signal: AbortSignal; readonly timing: TimingTrace },
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      socket.destroy();
      return reject(signal.reason);
    }
    const body = new CappedBody(message.maxBodyBytes);
    let used = false;
    let head: { readonly status: number; readonly headers: Headers } | undefined;
    const client = new Client(message.origin, {
      connect: (_options, callback) => {
        // A second call means that the connection broke before the request was on its way.
        const broken = used ? (socket.errored ?? new Error("closed")) : undefined;
        used = true;
        // Later, for undici does not look again for work while it is still asking for the connection.
        queueMicrotask(() => (broken ? callback(broken, null) : callback(null, socket)));
      },
      allowH2: false,
      maxHeaderSize: maxHeaderBytes,
      // The signal of the run is the only limit in time.
      headersTimeout: 0,
      bodyTimeout: 0,
    });

    const finish = (settle: () => void) => {
      signal.removeEventListener("abort", abort);
      timing.end();
      timing.bodyBytes = body.length;
      settle();
      socket.destroy();
    };
    const answered = (truncated: boolean) => {
      const known = head;
      if (known) finish(() => resolve({ ...known, body: body.bytes(), truncated }));
      // A whole answer leaves nothing to be given up.
      if (truncated) void client.destroy(null);
    };
    const failed = (error: unknown) => {
      finish(() => reject(explained(error, timing, head?.status, body.length)));
      void client.destroy(null);
    };
    const abort = () => {
      finish(() => reject(signal.reason));
      void client.destroy(null);
    };
    signal.addEventListener("abort", abort, { once: true });
    const before = socket.bytesRead;
    const most = mostOnTheLine(message.maxBodyBytes);
    socket.on("readable", () => {
      if (socket.destroyed || socket.bytesRead - before <= most) return;
      finish(() => reject(endless(most, head?.status, body.length)));
      void client.destroy(null);
    });

    timing.begin("processing");
    try {
      client.dispatch(
        {
          path: message.path,
          method: message.method,
          headers: message.headers,
          body: message.body ?? null,
          reset: true,
          upgrade: message.upgrade ?? null,
        },
        {
          onRequestStart() {},
          onResponseStarted() {
            timing.answerBegins();
          },
          onResponseStart(controller, status) {
            // An interim answer (103) says only that the real one is still being worked on.
            if (status < 200) return timing.answerBegins(false);
            timing.answerHasStatus(status);
            head = { status, headers: readHeaders(controller.rawHeaders) };
          },
          onRequestUpgrade(controller, status) {
            timing.answerHasStatus(status);
            head = { status, headers: readHeaders(controller.rawHeaders) };
            answered(false);
          },
          onResponseData(_controller, chunk) {
            if (!body.add(chunk)) answered(true);
            timing.bodyBytes = body.length;
          },
          onResponseEnd() {
            answered(false);
          },
          onResponseError(_controller, error) {
            failed(error);
          },
        },
      );
    } catch (error) {
      // The request itself is not possible (a line break in a header of the configuration): our own bug or setting.
      finish(() => reject(error));
    }
  });
}

/** Bytes up to a limit, in one piece of memory: an answer in a million pieces costs no more than one in ten. */
class CappedBody {
  readonly #most: number;
  #bytes = new Uint8Array(0);
  length = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** @returns false once there is more than fits. */
  add(chunk: Uint8Array): boolean {
    const kept = chunk.subarray(0, this.#most - this.length);
    if (this.length + kept.length > this.#bytes.length) this.#grow(this.length + kept.length);
    this.#bytes.set(kept, this.length);
    this.length += kept.length;
    return kept.length === chunk.length;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  #grow(least: number): void {
    const bigger = new Uint8Array(Math.min(this.#most, Math.max(least, this.#bytes.length * 2)));
    bigger.set(this.#bytes.subarray(0, this.length));
    this.#bytes = bigger;
  }
}

/** Names and values in turn, as they came; what cannot be a header is left out. */
function readHeaders(raw: unknown): Headers {
  const headers = new Headers();
  const parts = Array.isArray(raw) ? raw.map((part) => Buffer.from(part).toString("latin1")) : [];
  for (let index = 0; index + 1 < parts.length; index += 2) {
    try {
      headers.append(parts[index] ?? "", (parts[index + 1] ?? "").replace(/[^\t\x20-\x7e\x80-\xff]/g, "?"));
    } catch {
      // A name that is none.
    }
  }
  return headers;
}

function explained(error: unknown, timing: TimingTrace, status: number | undefined, bytes: number): Unreachable {
  const code = codeOrName(error);
  const fail = (message: string, stage: Unreachable["stage"], evidence?: string) =>
    new Unreachable(message, { stage, cause: error, ...(evidence && { evidence }) });
  if (code === "UND_ERR_HEADERS_OVERFLOW") {
    return fail(`the headers of the answer are longer than ${inBytes(maxHeaderBytes)}`, "protocol");
  }
  if (error instanceof Error && error.name === "HTTPParserError") return notHttp(error, status, fail);
  if (code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH" && status === undefined) return notHttp(error, status, fail);
  if (status !== undefined) {
    const what = `answered ${status}, then the body broke off after ${inBytes(bytes)}`;
    return fail(what, "transfer", `cause: ${plainText(code, 60)}`);
  }
  const connected = `connected in ${inSeconds(timing.seconds("connect", "tls"))}`;
  const how = code === "ECONNRESET" || code === "EPIPE" ? "was reset" : "was closed";
  const before = timing.answering ? "in the middle of the headers" : "before an answer";
  return fail(`${connected}, then the connection ${how} ${before}`, "request", `cause: ${plainText(code, 60)}`);
}

function endless(bytes: number, status: number | undefined, bodyBytes: number): Unreachable {
  const said = status === undefined ? "no answer" : `answered ${status} with ${inBytes(bodyBytes)}`;
  return new Unreachable(`${said} in more than ${inBytes(bytes)} on the line`, { stage: "protocol" });
}

function notHttp(
  error: unknown,
  status: number | undefined,
  fail: (message: string, stage: Unreachable["stage"], evidence?: string) => Unreachable,
): Unreachable {
  const reason = error instanceof Error ? plainText(error.message, 120) : "";
  if (status !== undefined)
    return fail(`answered ${status}, then the body broke the rules of HTTP`, "protocol", reason);
  const data = typeof error === "object" && error !== null && "data" in error ? error.data : undefined;
  const said = typeof data === "string" || data instanceof Uint8Array ? Buffer.from(data).toString("latin1") : "";
  return fail("the answer is not HTTP", "protocol", `${reason}\nit said: ${plainText(said, 200)}`);
}
