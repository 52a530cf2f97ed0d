/** One line on the terminal that says what is being measured and since when; without a terminal, a line for each step. */

export class Progress implements Disposable {
  readonly #name: string;
  readonly #began = performance.now();
  #doing = "";
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(name: string) {
    this.#name = name;
    if (process.stderr.isTTY) this.#timer = setInterval(() => this.#draw(), 1000);
  }

  show(doing: string): void {
    this.#doing = doing;
    if (process.stderr.isTTY) this.#draw();
    else process.stderr.write(`${this.#line()}\n`);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  }

  #draw(): void {
    process.stderr.write(`\r\u001b[K${this.#line().slice(0, (process.stderr.columns ?? 80) - 1)}`);
  }

  #line(): string {
    const seconds = Math.round((performance.now() - this.#began) / 1000);
    return `${this.#name.padEnd(7)}${String(seconds).padStart(4)} s  ${this.#doing}`;
  }
}
