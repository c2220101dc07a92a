import { createHash } from 'node:crypto';
import { TOKENS_CSS } from '@posthorn/tokens';
import { HORN_DATA_URL, HORN_SVG } from './horn.js';

const STYLE = `${TOKENS_CSS}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;min-height:100dvh;display:grid;place-items:center;padding:24px 16px;background:var(--canvas);color:var(--text);font:16px/1.5 var(--font)}
main{width:100%;max-width:384px;padding:32px;background:var(--surface);border:1px solid var(--line);border-radius:var(--radius-3)}
svg{display:block;width:40px;height:40px;margin-bottom:16px}
h1{margin:0 0 4px;font-size:22px;line-height:1.25;letter-spacing:-.01em}
p{margin:0 0 24px;color:var(--text-muted)}
label{display:block;margin-bottom:6px;font-weight:600;font-size:14px}
input:not([hidden]){display:block;width:100%;height:44px;padding:0 12px;font:inherit;color:inherit;background:var(--surface);border:1px solid var(--line-strong);border-radius:var(--radius-2)}
input[aria-invalid=true]{border-color:var(--danger)}
button{display:block;width:100%;height:44px;margin-top:16px;font:inherit;font-weight:600;color:var(--on-accent);background:var(--accent);border:0;border-radius:var(--radius-2);cursor:pointer}
button:hover{background:var(--accent-hover)}
a{display:block;margin-top:16px;text-align:center;color:var(--text-muted)}
input:focus-visible,button:focus-visible,a:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.bad{margin:8px 0 0;color:var(--danger);font-size:14px}
.hint{margin:20px 0 0;font-size:14px}
code{font:.92em var(--mono);overflow-wrap:anywhere}
@media (max-width:420px){main{padding:24px 20px}}
`;

/** For the Content-Security-Policy, which allows only this style sheet. */
export const STYLE_HASH = hashOf(STYLE);

// A ticket in the fragment signs in: it goes to the server in a POST, and out of the address at once. A browser that only
// prerenders the page does not send it.
const SCRIPT = `
const ticket = new URLSearchParams(location.hash.slice(1)).get('ticket');
if (ticket !== null) {
  const form = document.getElementById('by-ticket');
  form.elements.ticket.value = ticket;
  const send = () => { history.replaceState(null, '', location.pathname + location.search); form.submit(); };
  if (document.prerendering) document.addEventListener('prerenderingchange', send, { once: true });
  else send();
}
`;

/** For the Content-Security-Policy: the one script that may run. */
export const SCRIPT_HASH = hashOf(SCRIPT);

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

/** `consoleUrl`: the console's page that signs its operator in to the board. null: only the password signs in. */
export function loginPage({
  next,
  error,
  consoleUrl,
}: {
  next: string;
  error: string | null;
  consoleUrl: string | null;
}): string {
  return page(
    'Sign in · Posthorn queues',
    `<h1>Posthorn queues</h1>
<p>For operators. Sign in to see the queues.</p>
<form method="post" action="/login">
<input type="hidden" name="next" value="${escapeHtml(next)}">
<input name="username" value="operator" autocomplete="username" hidden>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus${
      error === null ? '' : ' aria-invalid="true" aria-describedby="error"'
    }>
${error === null ? '' : `<p class="bad" id="error" role="alert">${escapeHtml(error)}</p>`}
<button type="submit">Sign in</button>
</form>
${consoleUrl === null ? '' : `<a href="${escapeHtml(consoleUrl)}">Sign in with the console</a>`}
<p class="hint">The password is <code>BOARD_PASSWORD</code>, or the operator key if that is not set.</p>
<form id="by-ticket" method="post" action="/login/ticket" hidden>
<input type="hidden" name="ticket">
<input type="hidden" name="next" value="${escapeHtml(next)}">
</form>
<script>${SCRIPT}</script>`,
  );
}

export function logoutPage(): string {
  return page(
    'Log out · Posthorn queues',
    `<h1>Log out?</h1>
<p>This ends your session on this board.</p>
<form method="post" action="/logout"><button type="submit">Log out</button></form>
<a href="/">Back to the queues</a>`,
  );
}

export function noJobPage(delivery: string): string {
  return page(
    'Job not found · Posthorn queues',
    `<h1>No job found</h1>
<p>No job of <code>${escapeHtml(delivery)}</code> was found. The queue keeps only the last 200 finished jobs of each kind. Waiting jobs with
several deliveries are not searched.</p>
<a href="/">Go to the queues</a>`,
  );
}

function page(title: string, main: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" href="${HORN_DATA_URL}">
<style>${STYLE}</style>
</head>
<body>
<main>
${HORN_SVG}
${main}
</main>
</body>
</html>
`;
}

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
