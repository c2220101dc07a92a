import { ATTEMPT_OUTCOMES, OUTCOME_WORDS, type StatsPeriod } from '@posthorn/contract';
import type { ReactNode } from 'react';
import { Count } from '../../components/count.js';
import { percent } from '../../components/number.js';
import { OutsideText } from '../../components/outside-text.js';
import { Table, tight } from '../../components/table.js';
import { duration } from '../../components/time.js';
import '../../components/counts.css';
import '../../components/cards.css';
import './outcomes.css';

/** The attempts of a time range by outcome, status code and event type. */
export function Outcomes({ period }: { period: StatsPeriod }) {
  if (period.attempts.total === 0) return null;
  return (
    <>
      <div className="panel stack close">
        <h3>Outcomes</h3>
        <OutcomeBar byOutcome={period.byOutcome} />
      </div>
      <div className="charts">
        <Breakdown title="By status code" columns={['Status code', tight('Attempts')]}>
          {period.byStatusCode.map(({ statusCode, attempts }) => (
            <tr key={statusCode}>
              <td>{statusCode}</td>
              <td className="tight" data-label="Attempts">
                <Count of={attempts} />
              </td>
            </tr>
          ))}
        </Breakdown>
        <Breakdown title="By event type" columns={['Event type', tight('Attempts'), tight('Success'), tight('p95')]}>
          {period.byEventType.map((one) => (
            <tr key={one.event}>
              <td className="mono">
                <OutsideText text={one.event} />
              </td>
              <td className="tight" data-label="Attempts">
                <Count of={one.attempts.total} />
              </td>
              <td className="tight" data-label="Success">
                {percent(one.successRate)}
              </td>
              <td className="tight" data-label="p95">
                {one.p95Ms === null ? '—' : duration(one.p95Ms)}
              </td>
            </tr>
          ))}
        </Breakdown>
      </div>
    </>
  );
}

function Breakdown({
  title,
  columns,
  children,
}: {
  title: string;
  columns: Parameters<typeof Table>[0]['columns'];
  children: ReactNode[];
}) {
  return (
    <section className="stack close">
      <h3>{title}</h3>
      {children.length === 0 ? (
        <p className="muted">No responses in this time range.</p>
      ) : (
        <Table caption={title} columns={columns}>
          {children}
        </Table>
      )}
    </section>
  );
}

const WIDTH = 1000;

/** A bar with a part for each outcome, in the order of the list below it. */
function OutcomeBar({ byOutcome }: Pick<StatsPeriod, 'byOutcome'>) {
  const parts = ATTEMPT_OUTCOMES.map((outcome) => [outcome, byOutcome[outcome] ?? 0] as const).filter(
    ([, count]) => count > 0,
  );
  const total = parts.reduce((sum, [, count]) => sum + count, 0);
  const startOf = (index: number): number =>
    parts.slice(0, index).reduce((sum, [, count]) => sum + (count / total) * WIDTH, 0);
  return (
    <>
      <svg className="outcome-bar" viewBox={`0 0 ${WIDTH} 12`} preserveAspectRatio="none" aria-hidden>
        {parts.map(([outcome, count], index) => (
          <rect
            key={outcome}
            className={toneOf(outcome)}
            x={startOf(index)}
            y={0}
            width={Math.max(1, (count / total) * WIDTH - 3)}
            height={12}
          />
        ))}
      </svg>
      <ul className="counts number">
        {parts.map(([outcome, count]) => (
          <li key={outcome}>
            <span className={`swatch ${toneOf(outcome)}`} aria-hidden />
            <span>
              {OUTCOME_WORDS[outcome]}: <Count of={count} />
              <span className="muted"> ({((count / total) * 100).toFixed(count === total ? 0 : 1)} %)</span>
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

const toneOf = (outcome: string): string =>
  outcome === 'ok' ? 'outcome-ok' : outcome === 'aborted' ? 'outcome-aborted' : 'outcome-failed';
