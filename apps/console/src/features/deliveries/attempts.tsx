import { type Attempt, type DeliveryDetail, TRIGGER_WORDS } from '@posthorn/contract';
import { Columns2 } from 'lucide-react';
import { Suspense, useState } from 'react';
import { useNow } from '../../components/clock.js';
import { MenuButton } from '../../components/menu.js';
import { Pill, resultOf } from '../../components/pill.js';
import { Empty } from '../../components/states.js';
import { duration, Time } from '../../components/time.js';
import { screen } from '../../screen.js';
import { AttemptDetail } from './attempt-result.js';
import { waitingText } from './waiting-text.js';
import '../../components/table.css';
import './attempts.css';

const CompareAttempts = screen(() => import('./compare-attempts.js'), 'CompareAttempts');

/** The attempts of a delivery, newest first, and the details of the chosen one. */
export function Attempts({ account, delivery }: { account: string; delivery: DeliveryDetail }) {
  const { attempts, nextAttemptAt } = delivery;
  const [chosen, setChosen] = useState<string | null>(null);
  const [compared, setCompared] = useState<Attempt | null>(null);
  const waiting = waitingText(delivery, useNow());
  const isScheduled = waiting === null || delivery.waitingFor?.state === 'scheduled';
  const newestFirst = attempts.toReversed();
  const shown = newestFirst.find(({ id }) => id === chosen) ?? newestFirst[0];
  if (shown === undefined)
    return (
      <Empty title="No attempts yet">
        {nextAttemptAt === null ? (
          'No attempt is scheduled.'
        ) : isScheduled ? (
          <>
            The first attempt is due <Time at={nextAttemptAt} isWhole />.
          </>
        ) : (
          `${waiting}.`
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
                {isScheduled ? (
                  <>
                    <td>
                      <Time at={nextAttemptAt} />
                    </td>
                    <td>—</td>
                  </>
                ) : (
                  <td colSpan={2}>{waiting}</td>
                )}
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
      <div className="panel stack">
        <div className="row spread">
          <h2>Attempt {shown.number}</h2>
          {attempts.length > 1 && (
            <MenuButton
              icon={Columns2}
              label="Compare with…"
              items={newestFirst
                .filter((one) => one !== shown)
                .map((one) => ({
                  label: `Attempt ${one.number} · ${resultOf(one)}`,
                  onSelect: () => setCompared(one),
                }))}
            />
          )}
        </div>
        <AttemptDetail key={shown.id} account={account} eventId={delivery.eventId} attempt={shown} />
      </div>
      {compared !== null && (
        <Suspense>
          <CompareAttempts attempts={[compared, shown]} onClose={() => setCompared(null)} />
        </Suspense>
      )}
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
