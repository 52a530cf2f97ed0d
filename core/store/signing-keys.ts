/** Signing keys of links and cookies, which the store makes and keeps, and which tokens were used. */

export interface KeyStore {
  /** A random 32-byte key, made on first use and kept: signs links and cookies. */
  signing(name: string): Promise<Uint8Array>;
  /** True the first time a token id is used; remembered until `expires`. */
  useOnce(token: string, expires: Temporal.Instant): Promise<boolean>;
}
