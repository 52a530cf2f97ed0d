/** Posts of a public timeline, reduced to what a monitor may keep: dates and pictures, never the text. */
import { z } from "zod";

const Moment = z
  .string()
  .max(40)
  .transform((text, context) => {
    const milliseconds = Date.parse(text);
    if (Number.isFinite(milliseconds)) return milliseconds;
    context.issues.push({ code: "custom", message: "not a moment", input: text });
    return z.NEVER;
  });

const Attachment = z.object({ url: z.string().max(2000).nullish(), remote_url: z.string().max(2000).nullish() });

const Post = z.object({
  id: z.string().max(40),
  /** Read as epoch milliseconds. */
  created_at: Moment,
  media_attachments: z.array(Attachment).max(100).catch([]),
});
export type PublicPost = z.output<typeof Post>;

export const PublicPosts = z.array(Post).max(80);
