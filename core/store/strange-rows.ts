/** Rows that this version cannot read: a newer one left them, or somebody wrote them by hand. All others go on. */
export interface StrangeRow {
  readonly table: string;
  /** Names it, as its columns do. */
  readonly key: string;
  readonly why: string;
}
