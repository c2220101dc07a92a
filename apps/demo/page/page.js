// The demo's page. The server tells everything once when the stream opens, then each change; the deliveries are asked for.

const $ = (id) => document.getElementById(id);

let state = null; // links, receiverUrl, mode, progress, chat, received
let overview = null; // subscription, deliveries, as the API has them

/* ---- small makers: text is always text, never HTML ---- */

function make(tag, properties = {}, ...children) {
  const { tone, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  if (tone) element.dataset.tone = tone;
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const badge = (text, tone) => make('span', { className: 'badge', textContent: text, tone });

const clock = (iso) =>
  new Date(iso).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });

const duration = (ms) => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);

function distance(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

/** Shows `items` in a list, or `empty` when there are none. Only rows that changed are made anew: one that someone has
 *  opened, or is about to click, stays as it is, and only what is new flashes. */
function fill(list, items, { empty, makeRow }) {
  const known = new Map([...list.children].map((row) => [row.dataset.key, row]));
  const rows = items.map(({ key, ...item }) => {
    const version = JSON.stringify(item);
    const old = known.get(key);
    if (old?.dataset.version === version) return old;
    const row = makeRow(item);
    if (!old && known.size > 0) row.classList.add('new');
    if (old?.querySelector('details')?.open) row.querySelector('details').open = true;
    Object.assign(row.dataset, { key, version });
    return row;
  });
  if (rows.length === 0) rows.push(make('li', { className: 'empty', textContent: empty }));
  // Moving a row would take the focus from it.
  if (rows.some((row, index) => list.children[index] !== row) || list.children.length !== rows.length)
    list.replaceChildren(...rows);
}

/* ---- calls ---- */

async function call(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  }).catch(() => {
    throw new Error('The demo does not answer. Is it still running?');
  });
  const result = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(result.problem ?? `The demo answered ${answer.status}.`);
  return result;
}

/** Does it with the button off, and shows in `problem` what went wrong. */
async function press(button, problem, action) {
  button.disabled = true;
  problem.hidden = true;
  try {
    await action();
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  } finally {
    button.disabled = false;
    render();
    askSoon();
  }
}

/* ---- top ---- */

const STEPS = {
  connecting: 'Waiting for Posthorn’s API…',
  subscribing: 'Subscribing the receiver: Posthorn verifies its URL…',
  sending: 'Sending a first event…',
};

function renderTop() {
  const { progress, links } = state;
  const { step, problem, delivered } = progress;
  $('progress').dataset.state = problem ? 'problem' : step === 'ready' ? 'ready' : 'working';
  $('progress-text').textContent =
    problem ??
    (delivered
      ? `It works: the first ${delivered.event} arrived ${Math.ceil(delivered.ms)} ms after it was published, its signature is valid.`
      : STEPS[step]);
  const wanted = [
    ['API docs', links.docs],
    ['Queues', links.board],
  ].filter(([, href]) => href);
  $('links').replaceChildren(
    ...wanted.map(([textContent, href]) => make('a', { textContent, href, target: '_blank', rel: 'noopener' })),
  );
}

/* ---- chat ---- */

function underLine(line) {
  const { handedOver, event } = line;
  if (handedOver.state === 'sending')
    return make('div', { className: 'under', textContent: `${event} · handing over…` });
  if (handedOver.state === 'failed') {
    const again = make('button', { type: 'button', textContent: 'Try again' });
    again.addEventListener(
      'click',
      () =>
        void press(again, $('chat-problem'), () => call('POST', `/chat/lines/${encodeURIComponent(line.id)}/retry`)),
    );
    return make('div', { className: 'under bad' }, `${event} · not handed over: ${handedOver.problem} `, again);
  }
  const { deliveries } = handedOver;
  const count = deliveries > 1 ? `${deliveries} deliveries` : deliveries === 1 ? '1 delivery' : 'no delivery';
  return make('div', { className: 'under', textContent: `${event} → ${count}`, title: handedOver.eventId });
}

function renderChat() {
  const { open, lines } = state.chat;
  const list = $('chat-lines');
  const wasAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  fill(
    list,
    lines.map((line) => ({ key: line.id, ...line })),
    {
      empty: 'No message yet. Write one below.',
      makeRow: (line) =>
        make(
          'li',
          { className: `line ${line.kind}` },
          make('div', { className: 'bubble', textContent: line.text }),
          underLine(line),
        ),
    },
  );
  if (wasAtEnd) list.scrollTop = list.scrollHeight;
  $('chat-state').textContent = lines.length === 0 ? '' : open ? 'open' : 'closed';
  $('chat-state').dataset.tone = open ? 'good' : '';
  $('chat-close').disabled = !open || lines.length === 0;
}

/* ---- receiver ---- */

const MODES = {
  normal: 'Answers 200 at once: one attempt, and the delivery has succeeded.',
  fail: 'Answers 500: Posthorn tries again after 5 s, 30 s, 2 min … with the same webhook-id.',
  slow3: 'Answers 200 after 3 s: slow, but in time.',
  slow20: 'Answers after 20 s: Posthorn gives up after 15 s and tries again later.',
  gone: 'Answers 410: Posthorn disables the subscription at once. Below it can be resumed.',
};

function answerBadge({ state: answering, statusCode, durationMs }) {
  if (answering === 'answering') return badge('answering…', 'wait');
  if (answering === 'hung_up') return badge(`sender hung up after ${duration(durationMs)}`, 'bad');
  return badge(`answered ${statusCode} in ${duration(durationMs)}`, statusCode < 300 ? 'good' : 'bad');
}

function receivedRow(received) {
  const { at, event, attempt, signature, signatureReason, webhookId, bytes, body } = received;
  const summary = make(
    'summary',
    {},
    make('time', { textContent: clock(at), dateTime: at }),
    make('strong', { textContent: event ?? 'not an event' }),
    make(
      'div',
      { className: 'marks' },
      attempt > 1 ? badge(`attempt ${attempt}`, 'wait') : null,
      badge(signature === 'valid' ? 'signature valid' : 'signature invalid', signature === 'valid' ? 'good' : 'bad'),
      answerBadge(received),
      make('code', { textContent: webhookId ?? 'no webhook-id' }),
    ),
  );
  const details = [signatureReason && `signature: ${signatureReason}`, `${bytes} bytes`, body]
    .filter(Boolean)
    .join('\n\n');
  return make('li', {}, make('details', {}, summary, make('pre', { textContent: details })));
}

function renderReceiver() {
  $('receiver-url').textContent = state.receiverUrl;
  $('mode-text').textContent = MODES[state.mode];
  for (const input of $('modes').querySelectorAll('input')) input.checked = input.value === state.mode;
  const items = state.received.map((entry) => ({ key: String(entry.number), ...entry }));
  fill($('received'), items, { empty: 'Nothing has arrived yet.', makeRow: receivedRow });
}

/* ---- deliveries ---- */

const TONES = {
  succeeded: 'good',
  failed: 'bad',
  canceled: 'bad',
  pending: 'wait',
  held: 'wait',
  active: 'good',
  unverified: 'wait',
  paused: 'wait',
  disabled: 'bad',
};

function renderSubscription() {
  const { subscription } = overview;
  const callout = $('subscription-call');
  const [text, action] =
    subscription === null ? ['The receiver has no subscription.', 'Subscribe it'] : whatToDo(subscription);
  $('subscription-state').textContent = subscription ? `subscription ${subscription.status}` : '';
  $('subscription-state').dataset.tone = subscription ? TONES[subscription.status] : '';
  $('subscription-state').title = subscription?.id ?? '';
  callout.hidden = text === null || state.progress.step !== 'ready';
  callout.querySelector('p').textContent = text;
  callout.querySelector('button').textContent = action;
}

function whatToDo({ status, statusReason, verification }) {
  const reasons = { gone: 'the receiver answered 410', failing: 'it failed for too long', manual: 'by hand' };
  switch (status) {
    case 'disabled':
      return [`The subscription is disabled (${reasons[statusReason] ?? statusReason}): nothing is sent.`, 'Resume'];
    case 'paused':
      return ['The subscription is paused: deliveries are held.', 'Resume'];
    case 'unverified':
      return verification.status === 'failed'
        ? [`The URL was not verified (${verification.reason}).`, 'Verify again']
        : ['The URL is being verified…', 'Check'];
    default:
      return [null, null];
  }
}

function attemptChip({ outcome, statusCode, durationMs, error, trigger }) {
  const result = outcome === 'ok' || outcome === 'http_error' ? String(statusCode) : outcome.replace('_', ' ');
  const by = trigger === 'auto' ? '' : ` ${trigger}`;
  const title = error ?? '';
  return make(
    'li',
    { className: 'attempt', tone: outcome === 'ok' ? 'good' : 'bad', title },
    result,
    make('span', { textContent: ` ${duration(durationMs)}${by}` }),
  );
}

function deliveryRow(delivery) {
  const { id, event, status, statusReason, nextAttemptAt, attempts, createdAt } = delivery;
  const retry = make('button', { type: 'button', textContent: 'Retry now' });
  retry.addEventListener(
    'click',
    () => void press(retry, $('deliveries-problem'), () => call('POST', `/deliveries/${encodeURIComponent(id)}/retry`)),
  );
  const next = make('span', {});
  if (status === 'pending' && nextAttemptAt) next.dataset.due = nextAttemptAt;
  const error = attempts.at(-1)?.error;
  return make(
    'li',
    { className: 'delivery' },
    make('div', { className: 'what' }, make('strong', { textContent: event }), make('code', { textContent: id })),
    make(
      'div',
      { className: 'how' },
      make(
        'div',
        { className: 'state' },
        badge(status, TONES[status]),
        statusReason ? make('span', { textContent: statusReason.replaceAll('_', ' ') }) : null,
        make('span', { textContent: `since ${clock(createdAt)}` }),
        next,
      ),
      make('ol', { className: 'attempts' }, ...attempts.map(attemptChip)),
      error && status !== 'succeeded' ? make('p', { className: 'why', textContent: error }) : null,
    ),
    retry,
  );
}

function renderDeliveries() {
  if (overview === null) {
    const text = $('deliveries-problem').hidden ? 'Asking Posthorn…' : 'The deliveries are not known right now.';
    fill($('deliveries'), [], { empty: text });
    return;
  }
  renderSubscription();
  fill(
    $('deliveries'),
    overview.deliveries.map((delivery) => ({ key: delivery.id, ...delivery })),
    {
      empty:
        overview.subscription === null
          ? 'The receiver has no subscription yet.'
          : 'No delivery yet. Write a message, and one appears here.',
      makeRow: deliveryRow,
    },
  );
  tick();
}

function tick() {
  for (const span of document.querySelectorAll('[data-due]')) {
    const leftMs = new Date(span.dataset.due) - Date.now();
    span.textContent = leftMs > 0 ? `next attempt in ${distance(leftMs)}` : 'an attempt is due';
  }
}
setInterval(tick, 500);

/* ---- asking for the deliveries: soon after something happened, then as long as something is under way ---- */

let asking = false;
let timer = null;

function askSoon(ms = 250) {
  clearTimeout(timer);
  timer = setTimeout(() => void ask(), ms);
}

async function ask() {
  if (asking || document.hidden) return askSoon(1000);
  asking = true;
  try {
    overview = await call('GET', '/deliveries.json');
    $('deliveries-problem').hidden = true;
  } catch (error) {
    // While the demo is starting, the line on top says it already.
    if (state?.progress.step === 'ready') {
      $('deliveries-problem').textContent = error.message;
      $('deliveries-problem').hidden = false;
    }
  } finally {
    asking = false;
  }
  renderDeliveries();
  const isBusy = overview?.deliveries.some(({ status }) => status === 'pending' || status === 'held') ?? true;
  askSoon(isBusy ? 1500 : 10_000);
}

/* ---- what people do ---- */

$('chat-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = $('chat-text').value.trim();
  if (text === '') return;
  const author = new FormData(event.target).get('author');
  $('chat-text').value = '';
  $('chat-lines').scrollTop = $('chat-lines').scrollHeight;
  void press($('chat-form').querySelector('.compose button'), $('chat-problem'), async () => {
    try {
      await call('POST', '/chat/messages', { author, text });
    } catch (error) {
      $('chat-text').value ||= text;
      throw error;
    }
  });
});

$('chat-form').addEventListener('change', (event) => {
  if (event.target.name !== 'author') return;
  const author = new FormData($('chat-form')).get('author');
  $('chat-text').placeholder = author === 'agent' ? 'Write as Alex…' : 'Write as Joe…';
  $('chat-text').focus();
});

$('chat-close').addEventListener('click', () => {
  void press($('chat-close'), $('chat-problem'), () => call('POST', '/chat/close'));
});

$('modes').addEventListener('change', (event) => {
  void press($('modes'), $('deliveries-problem'), () => call('PUT', '/receiver/mode', { mode: event.target.value }));
});

$('subscription-call')
  .querySelector('button')
  .addEventListener('click', (event) => {
    void press(event.target, $('deliveries-problem'), () => call('POST', '/subscription/activate'));
  });

/* ---- the stream ---- */

function render() {
  if (state === null) return;
  renderTop();
  renderChat();
  renderReceiver();
  renderDeliveries();
}

const stream = new EventSource('/stream');
const on = (type, take) =>
  stream.addEventListener(type, (event) => {
    take(JSON.parse(event.data));
    render();
    askSoon();
  });

on('everything', (data) => (state = data));
on('chat', (chat) => (state.chat = chat));
on('mode', (mode) => (state.mode = mode));
on('progress', (progress) => (state.progress = progress));
on('received', (received) => {
  state.received = [received, ...state.received.filter(({ number }) => number !== received.number)]
    .toSorted((a, b) => b.number - a.number)
    .slice(0, 100);
});
stream.addEventListener('error', () => {
  $('progress').dataset.state = 'problem';
  $('progress-text').textContent = 'The demo does not answer. This page comes back by itself when it does.';
});
