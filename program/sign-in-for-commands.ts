/** The door through which commands reach the one-time sign-in links that dashboards/team/sign-in-link.ts makes. */
export { contactWithEmail, linkSeconds, signInLink } from "../dashboards/team/sign-in-link.ts";
