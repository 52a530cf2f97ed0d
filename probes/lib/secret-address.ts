/** A database URL as a setting: a secret, because there is usually a password in it. */
import { secret } from "../../core/config/settings.ts";

/**
 * @param read gives nothing for what is no such address.
 * @param like an example, for whoever wrote something else.
 */
export const secretAddress = (read: (text: string) => unknown, like: string) =>
  secret().superRefine((url, context) => {
    if (url && !read(url.reveal())) {
      context.addIssue({ code: "custom", message: `this secret is not an address like ${like}` });
    }
  });
