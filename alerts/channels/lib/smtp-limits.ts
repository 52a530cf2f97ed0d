/** How long each phase of an SMTP conversation may take (RFC 5321, 4.5.3.2), and what is said where it takes longer. */

export const limits = {
  connection: { seconds: 10, late: "no connection" },
  greeting: { seconds: 60, late: "connected, but no greeting" },
  command: { seconds: 60, late: "no answer to a command" },
  message: { seconds: 300, late: "the mail was sent, but no answer whether it is taken" },
  farewell: { seconds: 5, late: "no goodbye" },
} as const;

export type Phase = keyof typeof limits;

/** Of a conversation that uses up each of them, with TLS and a sign-in. */
export const longestSeconds =
  limits.connection.seconds + limits.greeting.seconds + 8 * limits.command.seconds + limits.message.seconds;
