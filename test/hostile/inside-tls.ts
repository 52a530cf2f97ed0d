/** Hostile bytes inside TLS: what a server with a good certificate sends to whoever asked it to encrypt. */
import { createSecureContext, TLSSocket } from "node:tls";
import type { Certified } from "../helpers/certificates.ts";
import { type Attack, dripping } from "./attacks.ts";
import { type Attacks, greeting, type Turn } from "./line-attacks.ts";

interface Invitation {
  /** What the server says first of all, before anybody asked. */
  readonly hello?: Turn;
  /** Its answer to the wish to encrypt, if there is one. */
  readonly yes?: Turn;
  /** Of the client's wish to encrypt. */
  readonly wishBytes: number;
  readonly certified: Certified;
}

/** @param attacks from where the two have agreed on their keys. */
export function insideTls(attacks: Attacks, invitation: Invitation): Attacks {
  return Object.fromEntries(Object.entries(attacks).map(([what, attack]) => [what, secured(attack, invitation)]));
}

function secured(attack: Attack, { hello = "", yes = "", wishBytes, certified }: Invitation): Attack {
  const secureContext = createSecureContext({ key: certified.keyPem, cert: certified.certPem });
  return (socket, path) => {
    const invite = greeting(hello, yes);
    socket.once("data", (said: Buffer) => {
      // The client may have gone on already, and both came at once: what it said in TLS is read as such.
      socket.pause();
      if (said.length > wishBytes) socket.unshift(said.subarray(wishBytes));
      const tls = new TLSSocket(socket, { isServer: true, secureContext });
      tls.on("error", () => {});
      attack(tls, path);
      tls.resume();
      tls.once("end", () => dripping("", ".")(tls, ""));
    });
    invite(socket, path);
  };
}
