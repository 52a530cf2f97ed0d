import { expect, test } from "vitest";
import { type GrowthChart, growthChart } from "../../../dashboards/parts/chart.ts";

const flat: GrowthChart = {
  label: "Space used",
  today: 100,
  todayLabel: "Today",
  measured: Array.from({ length: 50 }, (_, index) => ({ day: 51 + index, value: 60 + index * 0.1 })),
  measuredLabel: "65 GB used",
  fan: [100, 130, 160].map((day) => ({ day, low: 64, mid: 65 + day / 10, high: 66 + day / 4 })),
  levels: [
    { name: "Limit 100 GB", value: 100, kind: "limit" },
    { name: "Usable 90 GB", value: 90, kind: "usable" },
  ],
  bracket: { value: 90, from: 120, to: 150, label: "full Jan 1 – Feb 1" },
  marks: [{ day: 70, label: "−5 GB", isRise: false }],
  until: 160,
  valueLabel: (value) => `${value} GB`,
  monthLabel: (day) => (day % 30 === 0 ? `M${day}` : undefined),
};

const drawn = async (change: Partial<GrowthChart> = {}) => String(await growthChart({ ...flat, ...change }));
const numbersIn = (svg: string) => [...svg.matchAll(/ (?:d|x|y|cx|cy)="([^"]*)"/g)].map(([, value = ""]) => value);

test("writes the limits, the dates and the newest value beside their lines, in both drawings", async () => {
  const svg = await drawn();
  expect(svg.match(/<svg /g)).toHaveLength(2);
  for (const label of ["Limit 100 GB", "Usable 90 GB", "full Jan 1 – Feb 1", "65 GB used", "Today", "−5 GB"]) {
    expect(svg.split(`>${label}</text>`), label).toHaveLength(3);
  }
});

test("says in words what it shows", async () => {
  expect(await drawn()).toContain('role="img" aria-label="Space used"');
});

test.each<[string, Partial<GrowthChart>]>([
  ["one point", { measured: [{ day: 100, value: 5 }] }],
  ["nothing measured", { measured: [], fan: [], marks: [] }],
  ["no levels", { levels: [] }],
  [
    "a value that never changes",
    { measured: [1, 2, 3].map((day) => ({ day: 97 + day, value: 7 })), levels: [], fan: [] },
  ],
  ["a fan without end", { fan: [{ day: 100, low: -1e15, mid: 1e12, high: 1e15 }] }],
  ["a bracket without an end", { bracket: { value: 90, from: 120, label: "full from Jan 1 on" } }],
])("draws within its frame: %s", async (_, change) => {
  const svg = await drawn(change);
  for (const drawing of svg.split("</svg>").slice(0, 2)) {
    const [, width = 0, height = 0] = /viewBox="0 0 (\d+) (\d+)"/.exec(drawing) ?? [];
    expect(drawing).not.toMatch(/NaN|Infinity|undefined/);
    for (const [, x = "", y = ""] of drawing.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)) {
      expect(Number(x)).toBeGreaterThanOrEqual(0);
      expect(Number(x)).toBeLessThanOrEqual(Number(width));
      expect(Number(y)).toBeGreaterThanOrEqual(0);
      expect(Number(y)).toBeLessThanOrEqual(Number(height));
    }
  }
});

test("the labels of the axis have room in a font as wide as DejaVu Sans", async () => {
  // 1, 0 and the space, M and B of its metrics, in widths of an em.
  const digit = 0.636;
  const widest = 3 * digit + 0.318 + 0.863 + 0.686;
  const svg = await drawn({ valueLabel: (value) => (value === 100 ? "100 MB" : `${value}`) });
  const labels = [...svg.matchAll(/font-size="([\d.]+)"|<text x="([\d.]+)"[^>]*>100 MB</g)];
  const fonts = labels.flatMap(([, font]) => (font ? [Number(font)] : []));
  const ends = labels.flatMap(([, , end]) => (end ? [Number(end)] : []));
  expect(ends).toHaveLength(2);
  for (const [index, end] of ends.entries()) expect(end - widest * (fonts[index] ?? 0)).toBeGreaterThan(0);
});

test("a higher value stands higher", async () => {
  const svg = await drawn();
  const [, limit = ""] = /level limit down"><path d="M[\d.]+ ([\d.]+)H/.exec(svg) ?? [];
  const [, usable = ""] = /level usable degraded"><path d="M[\d.]+ ([\d.]+)H/.exec(svg) ?? [];
  expect(Number(limit)).toBeLessThan(Number(usable));
});

test("days without readings are a gap in the line", async () => {
  const svg = await drawn({ measured: [1, 2, 3, 9, 10].map((day) => ({ day, value: 50 })), today: 10 });
  const [, path = ""] = /class="measured"><path d="([^"]*)"/.exec(svg) ?? [];
  expect(path.match(/M/g)).toHaveLength(2);
});

test("names that a watched server made up stay text", async () => {
  const svg = await drawn({ label: '"><script>', measuredLabel: "<b>" });
  expect(svg).not.toContain("<script>");
  expect(svg).not.toContain("<b>");
});

test("coordinates are short", async () => {
  expect(numbersIn(await drawn()).join(" ")).not.toMatch(/\.\d{3}/);
});
