/**
 * Signed tokens for links and cookies (HMAC): what somebody may do, until when, in a text that cannot be altered:
 * `kid.payload.mac`.
 * Opening a link never acts (mail scanners open every link); the pages behind it act on POST only.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { z } from "zod";

const common = {
  /** 96 random bits: tells two tokens apart, and lets one be used only once (`KeyStore.useOnce`). */
  id: z.string().regex(/^[A-Za-z0-9_-]{16}$/),
  /** Epoch seconds. */
  expires: z.int().nonnegative(),
  /** Id of the contact whom it was given to. */
  contact: z.string().min(1).max(100),
};

const contents = z.discriminatedUnion("purpose", [
  /** The link in a page: this contact takes this incident. */
  z.strictObject({ purpose: z.literal("acknowledge"), incident: z.int().positive(), ...common }),
  /** The one-time link to the team pages. */
  z.strictObject({ purpose: z.literal("sign-in"), ...common }),
  /** The cookie that such a link is exchanged for. */
  z.strictObject({ purpose: z.literal("session"), ...common }),
]);
type ActionToken = z.infer<typeof contents>;

type WithoutId<Token> = Token extends unknown ? Omit<Token, "id"> : never;
/** What a token is to say, before it gets its random id. */
export type ActionTokenContents = WithoutId<ActionToken>;

/** How long the link in a page works. */
export const acknowledgeSeconds = 72 * 3600;

/** When a token that is made now expires: epoch seconds, never less than the time promised. */
export const expiresIn = (seconds: number, now: Temporal.Instant): number =>
  Math.ceil(now.epochMilliseconds / 1000) + seconds;

export function signToken(payload: ActionTokenContents, key: Uint8Array): string {
  const token = contents.parse({ ...payload, id: randomBytes(12).toString("base64url") });
  const signed = `${keyId(key)}.${Buffer.from(JSON.stringify(token)).toString("base64url")}`;
  return `${signed}.${mac(signed, key)}`;
}

/** Why a token is refused. For the log only: the visitor reads the same page for all of them. */
type TokenFault = "malformed" | "unknown key" | "tampered" | "expired";

export type VerifiedToken =
  | { readonly ok: true; readonly token: ActionToken }
  | { readonly ok: false; readonly fault: TokenFault };

/** @param keys the key in use, and older ones whose tokens still count. */
export function verifyToken(
  text: string,
  keys: Uint8Array | readonly Uint8Array[],
  now: Temporal.Instant,
): VerifiedToken {
  // Longer than any token of ours: not worth a look, and not worth its memory.
  const parts = text.length > 1000 ? undefined : /^([0-9a-f]{8})\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})$/.exec(text);
  const [, kid, payload, given] = parts ?? [];
  if (kid === undefined || payload === undefined || given === undefined) return { ok: false, fault: "malformed" };
  const key = (keys instanceof Uint8Array ? [keys] : keys).find((candidate) => keyId(candidate) === kid);
  if (!key) return { ok: false, fault: "unknown key" };
  if (!sameText(mac(`${kid}.${payload}`, key), given)) return { ok: false, fault: "tampered" };
  const token = readContents(payload);
  if (!token) return { ok: false, fault: "malformed" };
  if (now.epochMilliseconds >= token.expires * 1000) return { ok: false, fault: "expired" };
  return { ok: true, token };
}

function readContents(payload: string): ActionToken | undefined {
  try {
    return contents.safeParse(JSON.parse(Buffer.from(payload, "base64url").toString())).data;
  } catch {
    return undefined;
  }
}

/** Names a key without telling anything about it. */
function keyId(key: Uint8Array): string {
  return createHash("sha256").update("tidewatch key id\0").update(key).digest("hex").slice(0, 8);
}

function mac(text: string, key: Uint8Array): string {
  return createHmac("sha256", key).update(text).digest("base64url");
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
