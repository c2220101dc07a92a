/** What stands for the value of a header: where it is read, and in a change, where it keeps the stored value. (No zod is needed
 *  here: the console shows it, too.) */
export const MASK = '••••';
