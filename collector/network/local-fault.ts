/**
 * Local faults, error codes that blame this machine and not the server: out of sockets, out of memory, a firewall rule
 * of ours.
 */
const ours = new Map([
  ["EMFILE", "this program has too many files open"],
  ["ENFILE", "this machine has too many files open"],
  ["ENOBUFS", "this machine is out of network buffers"],
  ["ENOMEM", "this machine is out of memory"],
  ["EADDRNOTAVAIL", "this machine has no free address or port for the connection"],
  ["EAFNOSUPPORT", "this machine does not have this kind of address"],
  ["EPERM", "a rule on this machine forbids the connection"],
  ["EACCES", "a rule on this machine forbids the connection"],
]);

/** What is wrong on our side, when that is what this error code means. */
export const faultOfOurs = (code: string): string | undefined => ours.get(code);
