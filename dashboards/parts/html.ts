/** HTML as a view returns it: escaped already, so that it stays as it is when put into another template. */
import type { html } from "hono/html";

export type Html = ReturnType<typeof html>;
