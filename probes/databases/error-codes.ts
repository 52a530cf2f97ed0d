/** The codes by which PostgreSQL and MySQL refuse everybody, in words: at night nobody looks up what 55000 means. */

/** SQLSTATE, PostgreSQL's appendix A: the whole code where it says more than its class. */
const sqlStates: Readonly<Record<string, string>> = {
  "08P01": "was not understood, or a pooler before it (PgBouncer) lets nobody through",
  "53100": "has no room left on its disk",
  "53200": "has no memory left",
  "53400": "has reached a limit of its configuration",
  "55000": "takes no connections to this database",
  "57P05": "ended our connection, which was idle for too long",
  "58030": "cannot read or write its disk",
  "58P01": "misses one of its files",
  XX001: "has damaged data",
  XX002: "has a damaged index",
};

/** The first two characters of a SQLSTATE, of which each kind of error has its own. */
const classes: Readonly<Record<string, string>> = {
  "08": "lost the connection behind it",
  "53": "has no memory, disk or other resource left",
  "54": "has reached a limit of its program",
  "55": "is not in a state to let us in",
  "58": "has trouble with its machine",
  F0: "has a fault in its configuration file",
  XX: "has an error inside",
};

/** "takes no connections to this database (SQLSTATE 55000)" */
export function sqlStateInWords(code: string): string {
  if (!/^[\dA-Z]{5}$/.test(code)) return "answered with an error";
  return `${sqlStates[code] ?? classes[code.slice(0, 2)] ?? "answered with an error"} (SQLSTATE ${code})`;
}

/** MySQL's and MariaDB's own numbers: of their SQLSTATE nearly every error has the same one, HY000. */
const mysqlErrors: Readonly<Record<number, string>> = {
  1021: "has no room left on its disk",
  1030: "has trouble with its storage",
  1037: "has no memory left",
  1038: "has no memory left",
  1041: "has no memory left",
  1053: "is shutting down",
  1135: "cannot begin a thread for a further connection",
  1836: "is only to be read now",
  3032: "was set to be offline",
};

/** "has no room left on its disk (error 1021)" */
export const mysqlErrorInWords = (number: number): string =>
  `${mysqlErrors[number] ?? "answered with an error"} (error ${number})`;
