/** Faults of a configuration as a terminal and an editor read them: `file:line:column: what`, then how many. */
import type { ConfigFault } from "../../core/errors.ts";
import { counted } from "../../core/units.ts";

export const faultLine = ({ file, line, column, message }: ConfigFault): string =>
  `${file}:${line}:${column}: ${message}\n`;

export function faultsText(faults: readonly ConfigFault[]): string {
  const file = faults[0]?.file ?? "";
  const count = `${counted(faults.length, "fault")} in ${file}.`;
  return `${faults.map(faultLine).join("")}${count} tidewatch.example.yaml shows how each setting is written.\n`;
}
