/** The port of judgements: confirmations, thresholds and transitions as every store must keep them. */
import { expect, test } from "vitest";
import { noConfirmation } from "../../../core/confirmation.ts";
import { type Series, seriesName } from "../../../core/store/series.ts";
import type { Store } from "../../../core/store/store.ts";
import { after, noon, transitionAt, web } from "./scene.ts";

export function judgementContract(open: () => Promise<Store>): void {
  test("keep the newest confirmation and the newest state of each threshold", async () => {
    await using store = await open();
    const confirmation = { ...noConfirmation, lastAt: 5, lastKnown: true, settledUntil: 4 };
    const threshold = { ...web, threshold: "full", labels: '{"store":"a"}' };
    await store.commit({
      confirmations: [{ ...web, confirmation: noConfirmation }],
      thresholds: [{ ...threshold, state: { raised: false, crossedAt: null } }],
    });
    await store.commit({
      confirmations: [{ ...web, confirmation }],
      thresholds: [{ ...threshold, state: { raised: true, crossedAt: 17 } }],
    });
    expect(await store.judgements.confirmations()).toEqual([{ ...web, confirmation }]);
    expect(await store.judgements.thresholds()).toEqual([{ ...threshold, state: { raised: true, crossedAt: 17 } }]);
  });

  test("give the transitions of a span and what was in force at its beginning", async () => {
    await using store = await open();
    const [first, second, third] = [transitionAt(0, "up"), transitionAt(60, "down"), transitionAt(120, "up")];
    const other = { ...transitionAt(30, "degraded"), check: "feed" };
    await store.commit({ transitions: [first, second, third, other] });
    expect(await store.judgements.transitions({ from: after(-60), to: noon })).toEqual([]);
    expect(await store.judgements.transitions({ from: after(59), to: after(60) })).toEqual([first, other]);
    expect(await store.judgements.transitions({ from: after(60), to: after(121) })).toEqual([other, second, third]);
    expect(await store.judgements.transitions({ from: after(1e6), to: after(1e6) })).toEqual([other, third]);
  });

  test("give the transitions of some targets, and of a series that is known only what is newer", async () => {
    await using store = await open();
    const [first, second, third] = [transitionAt(0, "up"), transitionAt(60, "down"), transitionAt(120, "up")];
    const other = { ...transitionAt(30, "degraded"), check: "feed" };
    const foreign = { ...transitionAt(40, "up"), target: "podcasts" };
    await store.commit({ transitions: [first, second, third, other, foreign] });
    const asked = (
      from: number,
      to: number,
      targets: readonly string[],
      known: readonly (readonly [Series, number])[],
    ) =>
      store.judgements.transitions(
        { from: after(from), to: after(to) },
        { targets, after: new Map(known.map(([series, at]) => [seriesName(series), after(at).epochMilliseconds])) },
      );
    expect(await asked(90, 130, ["mastodon"], [])).toEqual([other, second, third]);
    expect(await asked(90, 130, ["podcasts", "unknown"], [])).toEqual([foreign]);
    expect(await asked(90, 130, [], [])).toEqual([]);
    expect(await asked(90, 130, ["mastodon"], [[web, 60]])).toEqual([other, third]);
    // However old it is, what is newer than what is known was not known.
    expect(
      await asked(
        1000,
        2000,
        ["mastodon"],
        [
          [web, 0],
          [other, 30],
        ],
      ),
    ).toEqual([second, third]);
    expect(
      await asked(
        0,
        120,
        ["mastodon"],
        [
          [web, 60],
          [other, 30],
        ],
      ),
    ).toEqual([]);
  });
}
