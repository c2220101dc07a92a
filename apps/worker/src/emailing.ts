import {
  type Database,
  type DueEmail,
  dropEmail,
  type Log,
  MAX_EMAIL_ATTEMPTS,
  takeEmails,
  writeEmail,
} from '@posthorn/core';
import type { EmailSettings } from '@posthorn/settings';
import { createTransport, type Transporter } from 'nodemailer';
import { type Loop, startLoop } from './loop.js';

const IDLE_MS = 5_000;
/** Maximum number of emails sent at the same time. */
const AT_ONCE = 5;
/** In total less than the shortest wait between two attempts (a minute), so that no other worker sends the same email. */
const TIMEOUTS = { dnsTimeout: 5_000, connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 15_000 };

export interface EmailingOptions {
  db: Database;
  log: Log;
  observe: (result: 'sent' | 'failed' | 'dropped') => void;
}

/** Sends due emails until it is stopped. Any number of workers may run it. Returns null without a mail server.
 *  An email is sent at least once: if a worker dies after the mail server's OK and before the row is deleted, the email is sent again with the
 *  same Message-ID. */
export function startEmailing(settings: EmailSettings | null, options: EmailingOptions): Loop | null {
  if (settings === null) return null;
  const transport = createTransport({
    url: settings.smtpUrl,
    ...TIMEOUTS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return startLoop({
    name: 'emailing',
    log: options.log,
    restMs: IDLE_MS,
    async round(signal) {
      for (;;) {
        const due = await takeEmails(options, { limit: AT_ONCE });
        await Promise.all(due.map((email) => send(transport, email, { ...settings, ...options })));
        if (due.length < AT_ONCE || signal.aborted) return IDLE_MS;
      }
    },
  });
}

async function send(
  transport: Transporter,
  email: DueEmail,
  { db, log, from, publicUrl, observe }: EmailingOptions & EmailSettings,
) {
  const { subject, text, unsubscribeUrl } = writeEmail(email, { publicUrl });
  const startedAt = performance.now();
  // Do not log the address or the token.
  const line = () => ({
    emailId: email.id,
    accountId: email.accountId,
    kind: email.kind,
    attemptNumber: email.attemptNumber,
    durationMs: Math.round(performance.now() - startedAt),
  });
  try {
    await transport.sendMail({
      from,
      to: email.address,
      subject,
      text,
      messageId: `<${email.id}@${new URL(publicUrl).hostname}>`,
      headers: {
        'List-Unsubscribe': `<${unsubscribeUrl}>`,
        'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
        'Auto-Submitted': 'auto-generated',
      },
    });
  } catch (error) {
    const { code = null, responseCode = null } = error as { code?: string; responseCode?: number };
    const isRefused = code === 'EENVELOPE' && responseCode !== null && responseCode >= 500;
    if (!isRefused && email.attemptNumber < MAX_EMAIL_ATTEMPTS) {
      log.warn({ ...line(), code, responseCode }, 'email.failed');
      observe('failed');
      return;
    }
    log.error({ ...line(), code, responseCode }, 'email.dropped');
    await dropEmail({ db }, email);
    observe('dropped');
    return;
  }
  await dropEmail({ db }, email);
  log.info(line(), 'email.sent');
  observe('sent');
}
