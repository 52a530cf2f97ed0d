/** The standard check that `database:` of a target stands for: PostgreSQL or MySQL, which the address tells. */
import type { StandardCheck } from "../../core/probe.ts";
import { Secret } from "../../core/secret.ts";

/** MySQL and MariaDB, unless the address is one of PostgreSQL. None where there is no database to look at. */
export function databaseCheck(database: unknown): readonly StandardCheck[] {
  if (database === undefined) return [];
  const address = database instanceof Secret ? database.reveal().trim() : "";
  return [{ id: "database", probe: /^postgres(?:ql)?:/i.test(address) ? "postgres" : "mysql", url: database }];
}
