/**
 * The timing trace of one connection: when DNS, connect, TLS, waiting for the first byte and transfer began and ended,
 * for latency phases, evidence and spans.
 */
import { performance } from "node:perf_hooks";
import type { TlsFacts } from "../../core/probe.ts";
import type { PhaseName, Phases } from "../../core/sample.ts";

type StepName = Exclude<PhaseName, "total">;

export interface TimedPhase {
  readonly phase: StepName;
  /** Monotonic seconds, as of `performance.now()`. */
  readonly from: number;
  readonly to: number;
}

const now = () => performance.now() / 1000;

export class TimingTrace {
  /** Plain text lines for the person on call. */
  readonly notes: string[] = [];
  /** What is known about the answer so far, also when it fails in the end. */
  address?: string;
  family?: 4 | 6;
  /** What its name led to. */
  found: readonly { readonly address: string; readonly family: 4 | 6 }[] = [];
  tls?: TlsFacts;
  status?: number;
  bodyBytes = 0;
  readonly #steps: TimedPhase[] = [];
  #firstByteAt: number | undefined;
  #open: { readonly phase: StepName; readonly from: number } | undefined;

  /** The step before ends where the next one begins, so that the phases add up. */
  begin(phase: StepName, at = now()): void {
    this.end(at);
    this.#open = { phase, from: at };
  }

  end(at = now()): void {
    if (this.#open) this.#steps.push({ ...this.#open, to: at });
    this.#open = undefined;
  }

  answerBegins(really = true): void {
    this.#firstByteAt = really ? now() : undefined;
  }

  answerHasStatus(status: number): void {
    this.status = status;
    this.begin("transfer", this.#firstByteAt);
  }

  /** Something came, but no status and headers yet. */
  get answering(): boolean {
    return this.#firstByteAt !== undefined && this.status === undefined;
  }

  get phase(): StepName | undefined {
    return this.#open?.phase;
  }

  /** Seconds since the present step began. */
  get waitedSeconds(): number {
    return this.#open ? now() - this.#open.from : 0;
  }

  get steps(): readonly TimedPhase[] {
    return this.#open ? [...this.#steps, { ...this.#open, to: now() }] : this.#steps;
  }

  seconds(...phases: readonly StepName[]): number {
    return this.steps.reduce((sum, { phase, from, to }) => (phases.includes(phase) ? sum + to - from : sum), 0);
  }

  phases(): Phases {
    const steps = this.steps;
    const entries = steps.map(({ phase, from, to }): [PhaseName, number] => [phase, to - from]);
    const [first, last] = [steps[0], steps.at(-1)];
    return Object.fromEntries(first && last ? [...entries, ["total", last.to - first.from]] : []);
  }
}
