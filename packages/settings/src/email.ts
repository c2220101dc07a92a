export interface EmailSettings {
  smtpUrl: string;
  /** `Name <user@host>`, or the address alone. */
  from: string;
  /** Links in emails lead here. */
  publicUrl: string;
}

/** How emails are sent; null: not at all. A string says what is missing. */
export function readEmailSettings({
  smtpUrl,
  emailFrom,
  publicUrl,
}: {
  smtpUrl: string | null;
  emailFrom: string | null;
  publicUrl: string | null;
}): EmailSettings | string | null {
  if (smtpUrl === null) return null;
  if (emailFrom === null || publicUrl === null)
    return 'SMTP_URL needs EMAIL_FROM, the sender, and PUBLIC_URL, for the links in emails.';
  return { smtpUrl, from: emailFrom, publicUrl };
}
