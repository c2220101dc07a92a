// The demo's page. The stream sends the whole state when it opens, then each change. The page polls the deliveries.

import { clock } from './times.js';

const $ = (id) => document.getElementById(id);

let state = null; // links, endpointUrl, mode, progress, chat, received
let overview = null; // subscription, deliveries, as the API returns them

/* ---- elements: text is always text, never HTML ---- */

function make(tag, properties = {}, ...children) {
  const { tone, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  if (tone) element.dataset.tone = tone;
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const link = (textContent, href, title = '') =>
  make('a', { textContent, href, title, target: '_blank', rel: 'noopener' });

const badge = (text, tone) => make('span', { className: 'badge', textContent: text, tone });

const duration = (ms) => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);

function distance(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

/** Shows `items` in a list, or `empty` if there are none. Replaces only rows that changed, so that an opened row stays open, and highlights
 *  only new rows. */
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
  // Moving a row would remove the focus from it.
  if (rows.some((row, index) => list.children[index] !== row) || list.children.length !== rows.length)
    list.replaceChildren(...rows);
}

/* ---- calls ---- */

async function call(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  }).catch(() => {
    throw new Error('The demo is not responding. Is it still running?');
  });
  const result = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(result.problem ?? `The demo returned status ${response.status}.`);
  return result;
}

/** Runs the action with the button disabled, and shows an error in `problem`. */
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
    pollSoon();
  }
}

/* ---- top ---- */

const STEPS = {
  connecting: 'Waiting for Posthorn’s API…',
  subscribing: 'Adding the webhook. Posthorn verifies its URL…',
  sending: 'Sending the first event…',
};

function renderTop() {
  const { progress, links } = state;
  const { step, problem, delivered } = progress;
  $('progress').dataset.state = problem ? 'problem' : step === 'ready' ? 'ready' : 'working';
  $('progress-text').textContent =
    problem ??
    (delivered
      ? `It works: the first ${delivered.event} arrived ${Math.ceil(delivered.ms)} ms after it was published. Its signature is valid.`
      : STEPS[step]);
  const shown = [
    ['Console', `${links.account}/integrations`],
    ['API docs', links.docs],
    ['Queues', links.board],
  ].filter(([, href]) => href);
  $('links').replaceChildren(...shown.map(([textContent, href]) => link(textContent, href)));
}

/* ---- chat ---- */

function underLine(line) {
  const { handedOver, event } = line;
  if (handedOver.state === 'sending') return make('div', { className: 'under', textContent: `${event} · publishing…` });
  if (handedOver.state === 'failed') {
    const again = make('button', { type: 'button', textContent: 'Try again' });
    again.addEventListener(
      'click',
      () =>
        void press(again, $('chat-problem'), () => call('POST', `/chat/lines/${encodeURIComponent(line.id)}/retry`)),
    );
    return make('div', { className: 'under bad' }, `${event} · not published: ${handedOver.problem} `, again);
  }
  const { deliveries } = handedOver;
  const count = deliveries > 1 ? `${deliveries} deliveries` : deliveries === 1 ? '1 delivery' : 'no delivery';
  const { eventId } = handedOver;
  return make(
    'div',
    { className: 'under' },
    link(event, `${state.links.account}/events/${eventId}`, eventId),
    ` → ${count}`,
  );
}

function renderChat() {
  const { open, lines } = state.chat;
  const list = $('chat-lines');
  const wasAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  fill(
    list,
    lines.map((line) => ({ key: line.id, ...line })),
    {
      empty: 'No messages yet. Write one below.',
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

/* ---- endpoint ---- */

const MODES = {
  normal: 'Returns 200 immediately. The delivery succeeds in one attempt.',
  fail: 'Returns 500. Posthorn retries after 5 s, 30 s, 2 min … with the same webhook-id.',
  slow3: 'Returns 200 after 3 s, within the timeout.',
  slow20: 'Responds after 20 s. The attempt times out after 15 s, and Posthorn retries.',
  gone: 'Returns 410. Posthorn disables the webhook immediately. You can enable it below.',
};

function responseBadge({ state: requestState, statusCode, durationMs }) {
  if (requestState === 'responding') return badge('responding…', 'wait');
  if (requestState === 'hung_up') return badge(`connection closed after ${duration(durationMs)}`, 'bad');
  return badge(`returned ${statusCode} in ${duration(durationMs)}`, statusCode < 300 ? 'good' : 'bad');
}

function receivedRow(received) {
  const { at, event, attempt, signature, signatureReason, webhookId, bytes, body } = received;
  const summary = make(
    'summary',
    {},
    clock(at),
    make('strong', { textContent: event ?? 'not an event' }),
    make(
      'div',
      { className: 'marks' },
      attempt > 1 ? badge(`attempt ${attempt}`, 'wait') : null,
      badge(signature === 'valid' ? 'signature valid' : 'signature invalid', signature === 'valid' ? 'good' : 'bad'),
      responseBadge(received),
      make('code', { textContent: webhookId ?? 'no webhook-id' }),
    ),
  );
  const details = [signatureReason && `signature: ${signatureReason}`, `${bytes} bytes`, body]
    .filter(Boolean)
    .join('\n\n');
  return make('li', {}, make('details', {}, summary, make('pre', { textContent: details })));
}

function renderEndpoint() {
  $('endpoint-url').textContent = state.endpointUrl;
  $('mode-text').textContent = MODES[state.mode];
  for (const input of $('modes').querySelectorAll('input')) input.checked = input.value === state.mode;
  const items = state.received.map((entry) => ({ key: String(entry.number), ...entry }));
  fill($('received'), items, { empty: 'No requests yet.', makeRow: receivedRow });
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
    subscription === null ? ['No webhook sends events to this endpoint yet.', 'Add webhook'] : whatToDo(subscription);
  $('subscription-state').textContent = subscription ? `webhook ${subscription.status}` : '';
  $('subscription-state').dataset.tone = subscription ? TONES[subscription.status] : '';
  $('subscription-state').title = subscription?.id ?? '';
  callout.hidden = text === null || state.progress.step !== 'ready';
  callout.querySelector('p').textContent = text;
  callout.querySelector('button').textContent = action;
}

function whatToDo({ status, statusReason, verification }) {
  const reasons = { gone: 'the endpoint returned 410', failing: 'it failed for too long', manual: 'disabled manually' };
  switch (status) {
    case 'disabled':
      return [
        `The webhook is disabled (${reasons[statusReason] ?? statusReason}). New events are not queued.`,
        'Enable',
      ];
    case 'paused':
      return ['The webhook is paused. Its deliveries are held.', 'Resume'];
    case 'unverified':
      return verification.status === 'failed'
        ? [`The URL was not verified: ${verification.error ?? verification.reason}`, 'Verify again']
        : ['The URL is being verified…', 'Check'];
    default:
      return [null, null];
  }
}

function attemptChip({ outcome, statusCode, durationMs, error, trigger }) {
  const result = outcome === 'ok' || outcome === 'http_error' ? String(statusCode) : outcome.replaceAll('_', ' ');
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
  const { id, event, status, statusReason, nextAttemptAt, attempts, createdAt, payload } = delivery;
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
    make(
      'div',
      { className: 'what' },
      make('strong', { textContent: event }),
      make('code', {}, link(id, `${state.links.account}/deliveries/${id}`, 'Open in the console')),
    ),
    make(
      'div',
      { className: 'how' },
      make(
        'div',
        { className: 'state' },
        badge(status, TONES[status]),
        statusReason
          ? make('span', { textContent: statusReason.replace('subscription', 'webhook').replaceAll('_', ' ') })
          : null,
        make('span', {}, 'since ', clock(createdAt)),
        next,
      ),
      make('ol', { className: 'attempts' }, ...attempts.map(attemptChip)),
      error && status !== 'succeeded' ? make('p', { className: 'why', textContent: error }) : null,
      make(
        'details',
        {},
        make('summary', { textContent: 'Payload' }),
        make('pre', { tabIndex: 0, textContent: payload === null ? 'erased' : JSON.stringify(payload, null, 2) }),
      ),
    ),
    retry,
  );
}

function renderDeliveries() {
  if (overview === null) {
    const text = $('deliveries-problem').hidden ? 'Loading…' : 'The deliveries could not be loaded.';
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
          ? 'No webhook sends events to this endpoint yet.'
          : 'No deliveries yet. Send a message to create one.',
      makeRow: deliveryRow,
    },
  );
  tick();
}

function tick() {
  for (const span of document.querySelectorAll('[data-due]')) {
    const leftMs = new Date(span.dataset.due) - Date.now();
    span.textContent = leftMs > 0 ? `next attempt in ${distance(leftMs)}` : 'attempt due now';
  }
}
setInterval(tick, 500);

/* ---- polling the deliveries: soon after a change, then faster while deliveries are unfinished ---- */

let isPolling = false;
let timer = null;

function pollSoon(ms = 250) {
  clearTimeout(timer);
  timer = setTimeout(() => void poll(), ms);
}

async function poll() {
  if (isPolling || document.hidden) return pollSoon(1000);
  isPolling = true;
  try {
    overview = await call('GET', '/deliveries.json');
    $('deliveries-problem').hidden = true;
  } catch (error) {
    // While the demo is starting, the line at the top shows the problem.
    if (state?.progress.step === 'ready') {
      $('deliveries-problem').textContent = error.message;
      $('deliveries-problem').hidden = false;
    }
  } finally {
    isPolling = false;
  }
  renderDeliveries();
  const isBusy = overview?.deliveries.some(({ status }) => status === 'pending' || status === 'held') ?? true;
  pollSoon(isBusy ? 1500 : 10_000);
}

/* ---- input ---- */

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
  void press($('modes'), $('deliveries-problem'), () => call('PUT', '/endpoint/mode', { mode: event.target.value }));
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
  renderEndpoint();
  renderDeliveries();
}

const stream = new EventSource('/stream');
const on = (type, take) =>
  stream.addEventListener(type, (event) => {
    take(JSON.parse(event.data));
    render();
    pollSoon();
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
  $('progress-text').textContent = 'The demo is not responding. This page reconnects automatically.';
});
