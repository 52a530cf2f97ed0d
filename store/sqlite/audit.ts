/** The audit log in the store: who of the team did what. */
import type { AuditStore } from "../../core/store/audit.ts";
import { type Driver, run, statement } from "./statements.ts";

const insert = statement("insert into audit (at, who, did, detail) values (?, ?, ?, ?)");

export const auditStore = ({ write }: Driver): AuditStore => ({
  write: async ({ at, who, did, detail }) => {
    await write(() => run(insert, at.epochMilliseconds, who, did, detail ?? null));
  },
});
