import type { DueEmail } from './take-emails.js';

export interface Email {
  subject: string;
  text: string;
  /** For List-Unsubscribe (RFC 8058): a POST to it unsubscribes without a sign-in. */
  unsubscribeUrl: string;
}

/** Returns subject and text of an email. `publicUrl`: the URL of the API for browsers. */
export function writeEmail(email: DueEmail, { publicUrl }: { publicUrl: string }): Email {
  const link = (page: string) => `${publicUrl.replace(/\/+$/, '')}/email/${page}?token=${email.token}`;
  const unsubscribeUrl = link('unsubscribe');
  const { subject, lines } = email.kind === 'confirm' ? confirmation(email, link('confirm')) : stateChange(email);
  const end =
    email.kind === 'confirm'
      ? 'If you did not request this, ignore this email. You will not get another one.'
      : `You get this email because this address subscribed to it. Unsubscribe: ${unsubscribeUrl}`;
  return { subject, text: `${[...lines, '', '--', end].join('\n')}\n`, unsubscribeUrl };
}

function confirmation({ accountId }: DueEmail, url: string) {
  return {
    subject: 'Confirm your email address for webhook notifications',
    lines: [
      `Someone requested notifications to this address when a webhook of the account ${accountId} fails.`,
      '',
      `To confirm your address, open ${url}`,
    ],
  };
}

function stateChange({ kind, accountId, detail }: Exclude<DueEmail, { kind: 'confirm' }>) {
  const { host, failingSince, at } = detail;
  const webhook = `webhook at ${host} (account ${accountId})`;
  const since = failingSince === null ? '' : ` since ${minuteOf(failingSince)}`;
  switch (kind) {
    case 'subscription:failing':
      return {
        subject: `Webhook failing: ${host}`,
        lines: [
          `Every attempt to deliver to the ${webhook} has failed${since}.`,
          'No event is lost: failed deliveries are retried.',
          'If this continues, the webhook will be disabled. Please fix the endpoint.',
        ],
      };
    case 'subscription:disabled':
      return {
        subject: `Webhook disabled: ${host}`,
        lines: [
          `The ${webhook} was disabled at ${minuteOf(at)}.`,
          WHY_DISABLED[detail.reason ?? ''] ?? 'It was disabled manually.',
          'It receives no events until you enable it.',
        ],
      };
    case 'subscription:recovered':
      return {
        subject: `Webhook recovered: ${host}`,
        lines: [`The ${webhook} has received events again since ${minuteOf(at)}.`],
      };
    default:
      return kind satisfies never;
  }
}

const WHY_DISABLED: Record<string, string> = {
  failing:
    'All attempts failed for too long. Fix the endpoint, enable the webhook, then replay failed and missed events.',
  gone: 'Its endpoint returned 410 Gone.',
};

/** 2026-11-29 10:52 UTC */
const minuteOf = (time: string): string => `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
