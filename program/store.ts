/** The store as commands use it: read beside the running program, copied to a backup, or made out of one. */
export { backupStore, restoreStore } from "../collector/store/backup.ts";
export { readSqliteStore } from "../collector/store/sqlite.ts";
