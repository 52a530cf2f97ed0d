/** Which of several counts, on the pages, for whoever is woken, and for exit codes. */
import { expect, test } from "vitest";
import { isWorse, worstOf } from "../../core/severity.ts";

test("what was not measured hides no known trouble, and is not up either", () => {
  expect(worstOf(["up", "unknown", "degraded"])).toBe("degraded");
  expect(worstOf(["down", "degraded"])).toBe("down");
  expect(worstOf(["up", "unknown"])).toBe("unknown");
  expect(worstOf([])).toBeUndefined();
});

test("an impact and a state are compared on one scale", () => {
  expect(isWorse("degraded", "none")).toBe(true);
  expect(isWorse("none", "up")).toBe(false);
});
