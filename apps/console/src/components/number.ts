export const whole = new Intl.NumberFormat('en');

/** A share from 0 to 1 as a percentage. null: there is no data. */
export const percent = (share: number | null): string =>
  share === null ? '—' : `${(share * 100).toFixed(share === 1 ? 0 : 1)} %`;
