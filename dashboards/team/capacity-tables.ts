/** The tables of one store on the capacity page: what each size on offer buys, and what grows inside. */
import { html } from "hono/html";
import type { CapacityModel } from "../../core/capacity/capacity.ts";
import type { FullDate } from "../../core/capacity/full-date.ts";
import type { SizeOutlook } from "../../core/capacity/sizes.ts";
import { plainText } from "../../core/plain-text.ts";
import type { Html } from "../parts/html.ts";
import { wordsFor } from "../parts/lang-attribute.ts";
import { priceText, signedSize, sizeText } from "../parts/sizes.ts";
import { figureTable, type TableRow } from "../parts/table.ts";
import { day } from "../parts/time.ts";
import type { CapacityProps } from "./capacity-words.ts";

export function sizeTable(model: CapacityModel, props: CapacityProps): Html | string {
  const text = wordsFor(props).capacity;
  if (model.sizes.length === 0) return "";
  const target = text.days(model.targetDays);
  const isKnown = model.sizes.some(({ runway }) => runway !== undefined);
  const rows = model.sizes.map((size) => sizeRow(size, model, props));
  return html`<h3>${text.sizes}</h3>
${figureTable(text.sizesCaption(target), [{ title: text.size }, { title: text.lasts }, { title: text.monthly, number: true }, { title: text.perMonthGained, number: true }], rows)}
${isKnown && model.recommended === undefined ? html`<p class="muted">${text.noneIsEnough(target)}</p>` : ""}`;
}

function sizeRow(size: SizeOutlook, model: CapacityModel, props: CapacityProps): TableRow {
  const { language, currency = "CAD" } = props;
  const text = wordsFor(props).capacity;
  const price = (amount: number | undefined) => (amount === undefined ? "" : priceText(amount, currency, language));
  const notes = [
    ...(size.current ? [text.current] : []),
    ...(size.name === model.recommended ? [text.recommended] : []),
    ...(size.fits ? [] : [text.tooSmall]),
    ...(size.fits && size.roomToWork === false ? [text.noRoom] : []),
  ];
  const worth = size.fits && !size.current;
  return {
    marked: size.name === model.recommended,
    cells: [
      html`${size.name}${notes.length === 0 ? "" : html` <span class="muted">${notes.join(", ")}</span>`}`,
      size.fits && size.lastsUntil ? untilText(size.lastsUntil, props) : "",
      html`${price(size.monthly)}${worth && size.extraMonthly !== undefined ? html` <span class="muted">${text.more(price(size.extraMonthly))}</span>` : ""}`,
      worth ? price(size.extraPerMonthGained) : "",
    ],
  };
}

function untilText(date: FullDate, props: CapacityProps): string | Html {
  return date === "beyond" ? wordsFor(props).capacity.beyondShort : day(date, props.language, "short-year");
}

export function partTable({ parts }: CapacityModel, props: CapacityProps): Html | string {
  const text = wordsFor(props).capacity;
  const shown = parts.slice(0, 10);
  if (shown.length === 0) return "";
  const rows = shown.map(({ name, kind, bytes, growthBytesPerDay }) => ({
    cells: [
      kind === "others"
        ? text.partKind.others
        : html`${breakable(plainText(name, 80))} <span class="muted">${text.partKind[kind]}</span>`,
      sizeText(bytes, props.language),
      signedSize(growthBytesPerDay, props.language),
    ],
  }));
  return html`<h3>${text.parts}</h3>
${figureTable(text.partsCaption(Math.max(...shown.map(({ overDays }) => overDays))), [{ title: text.part }, { title: text.partSize, number: true }, { title: text.partGrowth, number: true }], rows)}`;
}

/** Names of tables may go on in the next line after a dot or an underscore. */
const breakable = (name: string): Html => html`${name.split(/(?<=[._])/).map((part) => html`${part}<wbr>`)}`;
