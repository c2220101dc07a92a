import { z } from 'zod';
import { EmailRecipientId } from './id.js';
import { text, time } from './text.js';

export const EmailRecipient = z
  .object({
    id: EmailRecipientId,
    address: z.string().describe('The email address, in lower case.'),
    status: z
      .enum(['unconfirmed', 'confirmed'])
      .describe(
        '`unconfirmed`: the link in the confirmation email has not been used yet, so the address gets no other emails · `confirmed`: it gets emails.',
      ),
    createdAt: time('When it was added.'),
  })
  .meta({ id: 'EmailRecipient' });
export type EmailRecipient = z.infer<typeof EmailRecipient>;

export const EmailRecipients = z
  .object({
    isAvailable: z.boolean().describe('false: no mail server is configured (`SMTP_URL`), so no emails are sent.'),
    data: z.array(EmailRecipient).describe('All recipients, oldest first.'),
  })
  .meta({ id: 'EmailRecipients' });
export type EmailRecipients = z.infer<typeof EmailRecipients>;

// What nodemailer puts into an envelope as one address: no list, no display name, no control character.
const ADDRESS = /^[^\s<>@,;:"()[\]\\]+@[^\s<>@,;:"()[\]\\]+\.[^\s<>@,;:"()[\]\\.]+$/;

export const AddEmailRecipient = z
  .strictObject({
    address: text(3, 254)
      .regex(ADDRESS, 'must be an email address such as jo@example.com')
      .overwrite((address) => address.toLowerCase())
      .describe('One email address, such as jo@example.com.'),
  })
  .meta({ id: 'AddEmailRecipient', examples: [{ address: 'jo@example.com' }] });
