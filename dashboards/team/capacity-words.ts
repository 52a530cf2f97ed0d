/** The sentences of the capacity page: how a store is called, its headline, and the dates between which it is full. */
import type { CapacityModel, Outlook } from "../../core/capacity/capacity.ts";
import { dateOfDay, epochDay, type FullDate } from "../../core/capacity/full-date.ts";
import type { Dates } from "../../core/languages/words.ts";
import { plainText } from "../../core/plain-text.ts";
import { formatDate } from "../../core/time-zone.ts";
import type { Annotation } from "../../core/upgrade.ts";
import { textFor, wordsFor } from "../parts/lang-attribute.ts";
import type { LayoutProps } from "../parts/layout.ts";

export interface CapacityProps extends LayoutProps {
  /** ISO 4217; prices of sizes are in it. */
  readonly currency?: string;
  /** What happened to any target, named, oldest first. */
  readonly annotations?: readonly Annotation[];
}

/** The name of the target; with that of the store where the target has several. */
export function nameOf(model: CapacityModel, models: readonly CapacityModel[], props: CapacityProps): string {
  const alone = models.filter(({ target }) => target.id === model.target.id).length === 1;
  return alone
    ? textFor(model.target.name, props)
    : `${textFor(model.target.name, props)} (${plainText(model.store, 60)})`;
}

export function headline(model: CapacityModel, models: readonly CapacityModel[], props: CapacityProps): string {
  const text = wordsFor(props).capacity;
  const name = nameOf(model, models, props);
  if (model.state === "calm" && model.outlook?.full.early === "beyond") return text.beyondHeadline(name);
  return text.headline[model.state](name, datesOf(model, props));
}

function datesOf({ outlook, used, now }: CapacityModel, props: CapacityProps): Dates {
  const text = wordsFor(props).capacity;
  const order = outlook?.orderBy ?? "now";
  const orderDate = order === "now" ? text.orderNow : `${text.by} ${formatDate(order, props.language, "long")}`;
  return {
    early: outlook ? fullText(outlook.full.early, props) : "",
    late: outlook ? fullText(outlook.full.late, props) : "",
    orderBy: orderDate,
    measured: formatDate(dateOfDay(epochDay(used?.at ?? now)), props.language, "long"),
  };
}

function fullText(date: FullDate, props: CapacityProps): string {
  return date === "beyond" ? wordsFor(props).capacity.beyond : formatDate(date, props.language, "long");
}

export function betweenText({ full: { early, late } }: Outlook, props: CapacityProps): string {
  const text = wordsFor(props).capacity;
  if (early === "beyond") return text.beyond;
  const from = formatDate(early, props.language, "long");
  return late === "beyond" ? text.afterOrNever(from) : text.between(from, formatDate(late, props.language, "long"));
}
