export const accountPath = (account: string): string => `/v1/accounts/${encodeURIComponent(account)}`;
