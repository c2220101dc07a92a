import { type Attempt, type DeliveryDetail, TRIGGER_WORDS } from '@posthorn/contract';
import { useState } from 'react';
import { Pill, resultOf } from '../../components/pill.js';
import { Empty } from '../../components/states.js';
import { duration, Time } from '../../components/time.js';
import { AttemptDetail } from './attempt-result.js';
import '../../components/table.css';
import './attempts.css';

/** The attempts of a delivery, newest first, and the details of the chosen one. */
export function Attempts({ account, delivery }: { account: string; delivery: DeliveryDetail }) {
  const { attempts, nextAttemptAt } = delivery;
  const [chosen, setChosen] = useState<string | null>(null);
  const newestFirst = attempts.toReversed();
  const shown = newestFirst.find(({ id }) => id === chosen) ?? newestFirst[0];
  if (shown === undefined)
    return (
      <Empty title="No attempts yet">
        {nextAttemptAt === null ? (
          'No attempt is scheduled.'
        ) : (
          <>
            The first attempt is due <Time at={nextAttemptAt} isWhole />.
          </>
        )}
      </Empty>
    );
  return (
    <section className="stack" aria-label="Attempts">
      <div className="table-wrap attempts">
        <table>
          <caption className="visually-hidden">Attempts, newest first</caption>
          <thead>
            <tr>
              <th scope="col" className="tight">
                #
              </th>
              <th scope="col">Outcome</th>
              <th scope="col">Trigger</th>
              <th scope="col">Started</th>
              <th scope="col" className="tight">
                Duration
              </th>
            </tr>
          </thead>
          <tbody>
            {nextAttemptAt !== null && (
              <tr className="muted">
                <td>{delivery.attemptCount + 1}</td>
                <td>Next</td>
                <td>{TRIGGER_WORDS.auto}</td>
                <td>
                  <Time at={nextAttemptAt} />
                </td>
                <td>—</td>
              </tr>
            )}
            {newestFirst.map((attempt) => (
              <Row
                key={attempt.id}
                attempt={attempt}
                isShown={attempt === shown}
                onChoose={() => setChosen(attempt.id)}
              />
            ))}
          </tbody>
        </table>
      </div>
      <div className="panel">
        <AttemptDetail key={shown.id} account={account} eventId={delivery.eventId} attempt={shown} />
      </div>
    </section>
  );
}

function Row({ attempt, isShown, onChoose }: { attempt: Attempt; isShown: boolean; onChoose: () => void }) {
  const { number, outcome, trigger, startedAt, durationMs } = attempt;
  return (
    <tr data-shown={isShown}>
      <td>
        <button type="button" className="row-button" aria-pressed={isShown} onClick={onChoose}>
          <span className="visually-hidden">Attempt </span>
          {number}
        </button>
      </td>
      <td>
        <Pill tone={outcome === 'ok' ? 'success' : outcome === 'aborted' ? 'neutral' : 'danger'}>
          {resultOf(attempt)}
        </Pill>
      </td>
      <td>{TRIGGER_WORDS[trigger]}</td>
      <td>
        <Time at={startedAt} />
      </td>
      <td className="tight">{duration(durationMs)}</td>
    </tr>
  );
}
