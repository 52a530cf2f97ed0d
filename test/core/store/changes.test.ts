import { expect, test } from "vitest";
import { noConfirmation } from "../../../core/confirmation.ts";
import { type Changes, isEmpty, type Merge, mergeChanges, mergeFields } from "../../../core/store/changes.ts";
import { noon, noticeOf, opening, sampleAt, transitionAt, web } from "../../helpers/store-contract/scene.ts";

const one: Required<Changes> = {
  samples: [sampleAt(0)],
  transitions: [transitionAt(0, "up")],
  confirmations: [{ ...web, confirmation: noConfirmation }],
  thresholds: [{ ...web, threshold: "full", labels: "{}", state: { raised: false, crossedAt: null } }],
  incidents: [opening("mastodon")],
  escalations: [{ incident: 1, escalate: () => ({}) }],
  notices: [noticeOf("page")],
  annotations: [{ target: "mastodon", at: noon, text: { en: "upgraded", fr: "mis à niveau" } }],
  answers: [{ request: 1, at: noon, answer: { state: "done" } }],
};

test("merged changes lose nothing, in order", () => {
  const other: Changes = { samples: [sampleAt(60)], annotations: one.annotations };
  expect(mergeChanges([one, {}, other])).toEqual({
    ...one,
    samples: [sampleAt(0), sampleAt(60)],
    annotations: [...one.annotations, ...one.annotations],
  });
});

test("of several confirmations about one check only the last one stays", () => {
  const later = { ...web, confirmation: { ...noConfirmation, lastAt: 7 } };
  const feed = { ...web, check: "feed", confirmation: noConfirmation };
  expect(mergeChanges([one, { confirmations: [feed, later] }]).confirmations).toEqual([later, feed]);
});

test("what none of them names is left out", () => {
  expect(mergeChanges([{ samples: [] }, {}])).toEqual({ samples: [] });
});

test("lists without an entry are nothing to write", () => {
  expect(isEmpty(mergeChanges([{ thresholds: [] }, {}, { incidents: [] }]))).toBe(true);
  expect(isEmpty(mergeChanges([{ thresholds: [] }, { annotations: one.annotations }]))).toBe(false);
});

test("a field added to Changes without a merge does not compile", () => {
  interface MoreChanges extends Changes {
    readonly more?: readonly string[];
  }
  // @ts-expect-error: nothing says how `more` is merged.
  const merge: Merge<MoreChanges> = mergeFields;
  expect(Object.keys(merge([]))).toEqual(Object.keys(one));
});
