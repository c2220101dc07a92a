export const whole = new Intl.NumberFormat('en');

/** A count that stops at `most`: "10,000 or more". */
export const countUpTo = (count: number, most: number): string =>
  count >= most ? `${whole.format(most)} or more` : whole.format(count);

/** The result of a count that may have stopped: "more than 10,000". */
export const countOf = ({ count, more }: { count: number; more: boolean }, moreThan = 'more than '): string =>
  `${more ? moreThan : ''}${whole.format(count)}`;

/** A share from 0 to 1 as a percentage. null: there is no data. */
export const percent = (share: number | null): string =>
  share === null ? '—' : `${(share * 100).toFixed(share === 1 ? 0 : 1)} %`;
