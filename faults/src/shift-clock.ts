/** Preloaded into one Node process (NODE_OPTIONS=--import=…). Shifts its wall clock by CLOCK_SHIFT_MS at the first SIGUSR2, and back at
 *  the next one, as when NTP steps a machine's clock.
 *
 *  shifts          Date.now(), new Date(), Date(): ids, log lines, signatures, BullMQ's timestamps
 *  does not shift  timers, performance.now() and process.hrtime(), as with a real step; times in native code, such as certificates'
 *                  dates and files' times; the clocks of Postgres and Redis */
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
