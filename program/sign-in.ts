/** One-time links to the team pages, as the command `sign-in` and the practice co-op print them. */
export { contactWithEmail, linkSeconds, signInLink } from "../dashboards/team/sign-in.ts";
