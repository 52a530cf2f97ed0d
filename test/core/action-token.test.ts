/** Tokens of links and cookies: made, refused, and never half believed. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ActionTokenContents, signToken, verifyToken } from "../../core/action-token.ts";

const now = Temporal.Instant.from("2026-11-23T12:00:00Z");
const key = new Uint8Array(32).fill(7);
const otherKey = new Uint8Array(32).fill(8);
const expires = Math.floor(now.epochMilliseconds / 1000) + 60;
const acknowledge: ActionTokenContents = { purpose: "acknowledge", incident: 42, contact: "contractor", expires };

describe("an action token", () => {
  test("says who may do what", () => {
    const verified = verifyToken(signToken(acknowledge, key), key, now);
    expect(verified).toMatchObject({ ok: true, token: acknowledge });
  });

  test("is different each time, so that each can be used once", () => {
    const ids = [signToken(acknowledge, key), signToken(acknowledge, key)].map((text) => {
      const verified = verifyToken(text, key, now);
      return verified.ok ? verified.token.id : undefined;
    });
    expect(new Set(ids).size).toBe(2);
    expect(ids[0]).toMatch(/^[A-Za-z0-9_-]{16}$/);
  });

  test("ends at its moment, not after it", () => {
    const text = signToken(acknowledge, key);
    const end = Temporal.Instant.fromEpochMilliseconds(expires * 1000);
    expect(verifyToken(text, key, end.subtract({ milliseconds: 1 })).ok).toBe(true);
    expect(verifyToken(text, key, end)).toEqual({ ok: false, fault: "expired" });
  });

  test("of an older key counts while that key is still listed", () => {
    const text = signToken(acknowledge, otherKey);
    expect(verifyToken(text, key, now)).toEqual({ ok: false, fault: "unknown key" });
    expect(verifyToken(text, [key, otherKey], now).ok).toBe(true);
  });

  test("signed with another key under our key's name is tampered", () => {
    const [kid] = signToken(acknowledge, key).split(".");
    const [, payload, mac] = signToken(acknowledge, otherKey).split(".");
    expect(verifyToken(`${kid}.${payload}.${mac}`, key, now)).toEqual({ ok: false, fault: "tampered" });
  });

  test("with any one character changed is refused", () => {
    const text = signToken(acknowledge, key);
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }), (at, other) => {
        fc.pre(text[at] !== other);
        return !verifyToken(text.slice(0, at) + other + text.slice(at + 1), key, now).ok;
      }),
    );
  });

  test("made of anything else is refused without an internal error", () => {
    fc.assert(fc.property(fc.string(), (text) => !verifyToken(text, key, now).ok));
    for (const text of ["", "..", "a.b.c", `${"0".repeat(8)}.e30.${"A".repeat(43)}`, "x".repeat(1_000_000)]) {
      expect(verifyToken(text, key, now).ok).toBe(false);
    }
  });

  test("cannot be made for a purpose that does not exist, nor for incident 0", () => {
    expect(() => signToken({ ...acknowledge, incident: 0 }, key)).toThrow();
  });
});
