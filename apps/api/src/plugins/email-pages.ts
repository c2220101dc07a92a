import { createHash } from 'node:crypto';
import { confirmEmails, unsubscribeEmails } from '@posthorn/core';
import { TOKENS_CSS } from '@posthorn/tokens';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { ApiDeps, App } from '../deps.js';

// The pages behind the links of emails. They need no sign-in: the token is in the link. A GET shows a button and changes nothing, since mail
// scanners open every link; the POST does it. A mail client posts to the same URL (RFC 8058, One-Click).

const Query = z.object({ token: z.string().max(200).optional() });

const PAGES = {
  confirm: {
    act: confirmEmails,
    question: 'Get emails when a webhook fails?',
    button: 'Confirm',
    done: 'Confirmed. You get an email when a webhook keeps failing, is disabled or recovers.',
  },
  unsubscribe: {
    act: unsubscribeEmails,
    question: 'Stop emails about webhooks?',
    button: 'Unsubscribe',
    done: 'Unsubscribed. This address gets no more emails about these webhooks.',
  },
} as const;

export async function emailPages(app: App, { db }: Pick<ApiDeps, 'db'>): Promise<void> {
  await app.register(async (pages) => {
    // Browsers and mail clients post a form. The token is in the URL, so ignore the body.
    pages.addContentTypeParser('*', (_request, payload, done) => {
      payload.resume();
      payload.on('end', () => done(null)).on('error', done);
    });
    for (const [name, { act, question, button, done }] of Object.entries(PAGES)) {
      const options = { schema: { hide: true, querystring: Query } };
      pages.get(`/email/${name}`, options, (_request, reply) =>
        sendPage(reply, question, `<form method="post"><button type="submit">${button}</button></form>`),
      );
      pages.post(`/email/${name}`, options, async (request, reply) => {
        const { token = '' } = Query.parse(request.query);
        if (await act({ db }, token)) return sendPage(reply, done);
        return sendPage(reply.code(404), 'This link is no longer valid.');
      });
    }
  });
}

const STYLE = `${TOKENS_CSS}
body{margin:0;min-height:100dvh;display:grid;place-items:center;padding:24px 16px;box-sizing:border-box;font:16px/1.5 var(--font);background:var(--canvas);color:var(--text)}
main{max-width:384px;padding:32px;background:var(--surface);border:1px solid var(--line);border-radius:var(--radius-3)}
h1{margin:0;font-size:20px;line-height:1.3}
button{width:100%;height:44px;margin-top:24px;font:inherit;font-weight:600;color:var(--on-accent);background:var(--accent);border:0;border-radius:var(--radius-2);cursor:pointer}
button:hover{background:var(--accent-hover)}
button:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
`;
const STYLE_HASH = `sha256-${createHash('sha256').update(STYLE).digest('base64')}`;
const POLICY = `default-src 'none'; style-src '${STYLE_HASH}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`;

const sendPage = (reply: FastifyReply, title: string, form = '') =>
  reply
    .type('text/html; charset=utf-8')
    .headers({ 'content-security-policy': POLICY, 'referrer-policy': 'no-referrer', 'x-frame-options': 'DENY' })
    .send(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${form}
</main>
</body>
</html>
`);
