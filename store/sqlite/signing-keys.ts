/** Signing keys and used tokens in the store: a key is made once, a token is used once, whoever asks first. */
import { randomBytes } from "node:crypto";
import type { KeyStore } from "../../core/store/signing-keys.ts";
import { blob } from "./rows.ts";
import { type Driver, get, run, statement, type Transaction } from "./statements.ts";

const keyOf = statement("select key from signing_key where name = ?");
const insertKey = statement("insert into signing_key (name, key) values (?, ?) on conflict do nothing");
const insertToken = statement("insert into used_token (token, expires) values (?, ?) on conflict do nothing");

export const keyStore = ({ read, write }: Driver): KeyStore => ({
  signing: async (name) => (await read(() => keptKey(name))) ?? (await write(() => makeKey(name, randomBytes(32)))),
  useOnce: async (token, expires) => (await write(() => run(insertToken, token, expires.epochMilliseconds))) === 1,
});

function* keptKey(name: string): Transaction<Uint8Array | undefined> {
  const row = yield* get(keyOf, name);
  return row && new Uint8Array(blob(row, "key"));
}

function* makeKey(name: string, made: Uint8Array): Transaction<Uint8Array> {
  yield* run(insertKey, name, made);
  const key = yield* keptKey(name);
  if (!key) throw new Error("a key that was just made is not there");
  return key;
}
