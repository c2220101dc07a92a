/** Replaces header values in responses. In a change, it keeps the stored value. No zod is needed here. */
export const MASK = '••••';
