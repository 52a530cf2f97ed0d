/** A filter for the answers of a Redis (RESP 2), so that its client never gets one that would fill the memory or break it. */
import { NotMeasured } from "../../core/errors.ts";

/** A hundred queues whose oldest jobs carry posts with everything they may carry stay far below this. */
const mostBytes = 8 * 1024 * 1024;
/** Our questions ask for some thousands at most. */
const mostValues = 100_000;
/** Lists in lists. */
const deepest = 4;
/** An error or a number; texts are told by their length. */
const longestLine = 64 * 1024;

const newline = 0x0a;

export class RedisGuard {
  readonly #where: string;
  /** Answers that were asked for and have not come yet. */
  #due = 0;
  #bytes = 0;
  #values = 0;
  /** Of a text whose length was told. */
  #textLeft = 0;
  #line = "";
  /** For each list that is open: how many more belong to it. */
  readonly #lists: number[] = [];

  constructor(where: string) {
    this.#where = where;
  }

  /** So many questions are about to be asked. */
  expect(answers: number): void {
    this.#due += answers;
  }

  /** Throws `NotMeasured` for too much, and another error for what is no answer of Redis. */
  filter(bytes: Uint8Array): readonly [Uint8Array] {
    this.#bytes += bytes.length;
    if (this.#bytes > mostBytes) throw this.#tooMuch(`${mostBytes / 1024 / 1024} MiB`);
    for (let at = 0; at < bytes.length; ) at = this.#textLeft > 0 ? this.#text(bytes, at) : this.#head(bytes, at);
    return [bytes];
  }

  #text(bytes: Uint8Array, at: number): number {
    const here = Math.min(this.#textLeft, bytes.length - at);
    this.#textLeft -= here;
    if (this.#textLeft === 0) this.#whole();
    return at + here;
  }

  #head(bytes: Uint8Array, at: number): number {
    const end = bytes.indexOf(newline, at);
    this.#line += Buffer.from(bytes.subarray(at, end < 0 ? bytes.length : end)).toString("latin1");
    if (this.#line.length > longestLine || !/^[-+:$*]/.test(this.#line)) throw notRedis();
    if (end < 0) return bytes.length;
    const line = this.#line;
    this.#line = "";
    this.#value(line);
    return end + 1;
  }

  #value(line: string): void {
    if (this.#due === 0) throw notRedis();
    if (++this.#values > mostValues) throw this.#tooMuch(`${mostValues} values`);
    const [, kind, told = ""] = /^(.)([^\r]*)\r$/.exec(line) ?? [];
    if (kind === undefined) throw notRedis();
    if (kind === "$" || kind === "*") this.#begin(kind, lengthOf(told));
    else if (kind === ":" && !/^[-+]?\d{1,19}$/.test(told)) throw notRedis();
    else this.#whole();
  }

  /** @param length -1 says that there is none. */
  #begin(kind: "$" | "*", length: number): void {
    if (length === -1 || (kind === "*" && length === 0)) this.#whole();
    else if (kind === "$" && length > mostBytes) throw this.#tooMuch(`${mostBytes / 1024 / 1024} MiB`);
    else if (kind === "$") this.#textLeft = length + 2;
    else if (length > mostValues) throw this.#tooMuch(`${mostValues} values`);
    else if (this.#lists.push(length) > deepest) throw notRedis();
  }

  /** A value has come to its end, and with it the lists of which it was the last. */
  #whole(): void {
    for (let left = this.#lists.pop(); left !== undefined; left = this.#lists.pop()) {
      if (left === 1) continue;
      this.#lists.push(left - 1);
      return;
    }
    this.#due -= 1;
  }

  #tooMuch(what: string): NotMeasured {
    return new NotMeasured(`Redis answered with more than ${what}: is there something else in this database?`, {
      evidence: this.#where,
    });
  }
}

/** As Redis writes it; of another form for "none", like "-0", the client would make something else than we do. */
function lengthOf(told: string): number {
  if (!/^(?:-1|\d{1,19})$/.test(told)) throw notRedis();
  return Number(told);
}

const notRedis = () => new Error("nothing that Redis says");
