/** Posthorn's logo, for the login and the board. */
export const HORN_SVG =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40" aria-hidden="true">' +
  '<rect width="40" height="40" rx="9" fill="#f2b705"/>' +
  '<g transform="translate(.2 -1.8)" stroke="#1f1a00">' +
  '<g fill="none" stroke-width="2.8" stroke-linecap="round"><circle cx="17" cy="19" r="7"/><path d="M5.5 26H26"/></g>' +
  '<path d="M24 24.4c4 0 7.6-2 10-5.4v14c-2.4-3.4-6-5.4-10-5.4z" fill="#1f1a00" stroke-linejoin="round"/></g></svg>';

export const HORN_DATA_URL = `data:image/svg+xml,${encodeURIComponent(HORN_SVG)}`;
