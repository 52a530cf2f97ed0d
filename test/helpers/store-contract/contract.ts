/** What every store must do, whatever it stands on: one suite, a file for each port, called with a way to open an empty store. */
import { describe } from "vitest";
import { annotationsContract } from "./annotations.ts";
import { auditContract } from "./audit.ts";
import { dueContract } from "./due.ts";
import { escalationsContract } from "./escalations.ts";
import { heartbeatsContract } from "./heartbeats.ts";
import { incidentsContract } from "./incidents.ts";
import { judgementContract } from "./judgements.ts";
import { outboxContract } from "./outbox.ts";
import { readingsContract } from "./readings.ts";
import { requestsContract } from "./requests.ts";
import { rollupsContract } from "./rollups.ts";
import { samplesContract } from "./samples.ts";
import { selfTestContract } from "./self-test.ts";
import { keysContract } from "./signing-keys.ts";
import type { StoreToTest } from "./store-to-test.ts";
import { strangeRowsContract } from "./strange-rows.ts";

/** @param open an empty store, closed when it is disposed of. */
export function storeContract(name: string, open: () => Promise<StoreToTest>): void {
  describe(name, () => {
    describe("samples", () => samplesContract(open));
    describe("hours and days", () => rollupsContract(open));
    describe("readings", () => readingsContract(open));
    describe("confirmations, thresholds and transitions", () => judgementContract(open));
    describe("incidents", () => incidentsContract(open));
    describe("escalations", () => escalationsContract(open));
    describe("what is due", () => dueContract(open));
    describe("the outbox", () => outboxContract(open));
    describe("annotations", () => annotationsContract(open));
    describe("heartbeats", () => heartbeatsContract(open));
    describe("keys and tokens", () => keysContract(open));
    describe("the audit", () => auditContract(open));
    describe("requests", () => requestsContract(open));
    describe("strange rows", () => strangeRowsContract(open));
    describe("its test of itself", () => selfTestContract(open));
  });
}
