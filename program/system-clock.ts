/** The system clock: real time and real sleep. Tests use a fake clock instead. */
import type { Clock } from "../core/clock.ts";

/** What one timer of Node can hold. */
const longestTimerSeconds = 2_147_483;

export const systemClock: Clock = {
  now: () => Temporal.Now.instant(),
  monotonicSeconds: () => performance.now() / 1000,

  async sleep(seconds, signal) {
    let left = seconds;
    for (; left > longestTimerSeconds; left -= longestTimerSeconds) await timer(longestTimerSeconds, signal);
    await timer(left, signal);
  },
};

function timer(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(running);
      reject(signal.reason);
    };
    const running = setTimeout(
      () => {
        signal.removeEventListener("abort", stop);
        resolve();
      },
      Math.max(0, Math.ceil(seconds * 1000)),
    );
    signal.addEventListener("abort", stop, { once: true });
  });
}
