import type { Attempt } from '@posthorn/contract';
import { duration } from '../../components/time.js';
import './timings.css';

/** The phases of an attempt on a common time axis. */
export function Timings({ attempt }: { attempt: Pick<Attempt, 'timings' | 'durationMs'> }) {
  const phases = phasesOf(attempt);
  const total = Math.max(1, attempt.durationMs);
  return (
    <section className="stack close" aria-label="Timings">
      <ul className="timings small number">
        {phases.map(({ name, from, ms }) => (
          <li key={name}>
            <span>{name}</span>
            <svg viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden>
              <rect x={(from / total) * 1_000} y={0} width={Math.max(4, (ms / total) * 1_000)} height={8} />
            </svg>
            <span>{duration(ms)}</span>
          </li>
        ))}
      </ul>
      {attempt.timings.connectMs === null && attempt.timings.firstByteMs !== null && (
        <p className="muted small">Used an open connection from an earlier attempt.</p>
      )}
    </section>
  );
}

/** The phases in order. `firstByteMs` counts from the start, so the time spent connecting is subtracted. */
function phasesOf({ timings, durationMs }: Pick<Attempt, 'timings' | 'durationMs'>) {
  const { dnsMs, connectMs, tlsMs, firstByteMs } = timings;
  const connected = (dnsMs ?? 0) + (connectMs ?? 0) + (tlsMs ?? 0);
  const phases: [name: string, ms: number | null][] = [
    ['DNS', dnsMs],
    ['Connect', connectMs],
    ['TLS', tlsMs],
    ['First byte', firstByteMs === null ? null : Math.max(0, firstByteMs - connected)],
  ];
  let from = 0;
  const placed = phases.flatMap(([name, ms]) => {
    if (ms === null) return [];
    const phase = { name, from, ms };
    from += ms;
    return [phase];
  });
  return [...placed, { name: firstByteMs === null ? 'Waiting' : 'Reading', from, ms: Math.max(0, durationMs - from) }];
}
