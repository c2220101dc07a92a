/** Preloaded into one Node process (NODE_OPTIONS=--import=…): its wall clock jumps by CLOCK_SHIFT_MS at the first SIGUSR2, and
 *  back at the next one, as when NTP steps a machine's clock.
 *
 *  It shifts what JavaScript knows of the time of day: Date.now(), new Date(), Date(). So: ids, log lines, signatures, BullMQ's
 *  timestamps. It does not shift timers, performance.now() and process.hrtime(), which no step of a wall clock moves either, nor
 *  what native code asks the system for itself: certificates' dates, files' times. Postgres and Redis keep their own clocks. */
const shiftMs = Number(process.env['CLOCK_SHIFT_MS']);
const Real = Date;
let isOff = false;

const now = (): number => Real.now() + (isOff ? shiftMs : 0);

globalThis.Date = new Proxy(Real, {
  apply: () => new Real(now()).toString(),
  construct: (target, given: unknown[], made) =>
    Reflect.construct(target, given.length === 0 ? [now()] : given, made) as Date,
  get: (target, name, self) => (name === 'now' ? now : (Reflect.get(target, name, self) as unknown)),
});

process.on('SIGUSR2', () => void (isOff = !isOff));
