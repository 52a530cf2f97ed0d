import { expect, test } from "vitest";
import email from "../../alerts/channels/email.ts";
import { parseConfig } from "../../program/config-file.ts";
import { deliverySettings } from "../../program/delivery-settings.ts";

const plugins = { probes: {}, channels: { email } };

function configured(smtp: string, from = "tidewatch@coop.example") {
  const text = `
organisation: { name: Co-op }
targets: [{ id: wiki, planned: true }]
alerts: { email: { from: ${from}, smtp: { env: SMTP_URL } } }
`;
  return parseConfig(text, { file: "tidewatch.yaml", folder: "/", ...plugins, env: { SMTP_URL: smtp } });
}

test("a channel that a reload does not change goes on as the same one", () => {
  const before = deliverySettings(configured("smtp://mail.example"), plugins);
  const after = deliverySettings(configured("smtp://mail.example"), plugins, before);
  expect(after.channels.get("email")).toBe(before.channels.get("email"));
});

test.each([
  ["another password", configured("smtp://user:new@mail.example")],
  ["another sender", configured("smtp://user:old@mail.example", "other@coop.example")],
])("%s makes it another one", (_, changed) => {
  const before = deliverySettings(configured("smtp://user:old@mail.example"), plugins);
  const after = deliverySettings(changed, plugins, before);
  expect(after.channels.get("email")).not.toBe(before.channels.get("email"));
  expect(after.channels.get("email")?.options).toBe(changed.channels["email"]);
});
