/** Settings that say where a server is: host name, port, address family (IPv4, IPv6). */
import { isIP } from "node:net";
import { z } from "zod";

/** A name or an address, without scheme, port or path. */
export const hostName = () =>
  z
    .string()
    .trim()
    .min(1, { error: "write the name of the host, like mail.example" })
    .max(253)
    .superRefine((text, context) => {
      const fault = hostFault(text);
      if (fault) context.addIssue({ code: "custom", message: fault });
    });

function hostFault(text: string): string | undefined {
  if (isIP(text) || /^(?!-)[\w-]{1,63}(?:\.[\w-]{1,63})*\.?$/.test(text)) return undefined;
  const bare = URL.parse(text)?.hostname ?? /^([\w.-]+)[:/]/.exec(text)?.[1];
  return `"${text}" is not the name of a host: leave out everything before and after it${bare ? ` (perhaps ${bare})` : ""}`;
}

export const portNumber = () => z.int().min(1).max(65_535);

export const addressFamily = () =>
  z
    .union([z.literal(4), z.literal(6)])
    .optional()
    .describe("Connect over IPv4 (4) or IPv6 (6) only; without it, over whichever answers first.");
