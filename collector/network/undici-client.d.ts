/** The types of undici's client alone, which undici declares for its whole. */
declare module "undici/lib/dispatcher/client.js" {
  export { Client as default } from "undici";
}
