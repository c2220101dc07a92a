import './sign.css';

const CIRCLE = 'M2 12a10 10 0 1 0 20 0 10 10 0 1 0-20 0';

/** Lucide's circle-check, hourglass, triangle-alert, circle-x and circle-minus. */
const PATHS = {
  success: `${CIRCLE}M16 9l-5.5 5.5L8 12`,
  progress:
    'M5 22h14M5 2h14M17 22v-4.172a2 2 0 0 0-.586-1.414L12 12l-4.414 4.414A2 2 0 0 0 7 17.828V22' +
    'M7 2v4.172a2 2 0 0 0 .586 1.414L12 12l4.414-4.414A2 2 0 0 0 17 6.172V2',
  warning: 'M21.73 18l-8-14a2 2 0 0 0-3.48 0l-8 14A2 2 0 0 0 4 21h16a2 2 0 0 0 1.73-3M12 9v4M12 17h.01',
  danger: `${CIRCLE}M15 9l-6 6M9 9l6 6`,
  neutral: `${CIRCLE}M8 12h8`,
};

/** An icon for the rows of a list: one path, styled by CSS. The library's icons have up to six components and elements each, which
 *  is too slow for the hundreds of icons on a page. */
export function Sign({ of }: { of: keyof typeof PATHS }) {
  return (
    <svg className="icon sign" viewBox="0 0 24 24" aria-hidden>
      <path d={PATHS[of]} />
    </svg>
  );
}
