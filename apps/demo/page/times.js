// How times are shown, as in the console (apps/console/src/components/zone.ts): in the browser's zone, in UTC or in a chosen zone, and
// exact after a click. The choice is saved in the browser.

const STORED_AS = 'posthorn.times';
const menu = document.getElementById('times');
const dialog = document.getElementById('times-dialog');
const zoneInput = document.getElementById('times-zone');
const exactInput = document.getElementById('times-exact');

const localZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const zones = Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC' && zone !== localZone);
let display = { zone: 'local', isExact: false, ...read() };
if (display.zone !== 'UTC' && !zones.includes(display.zone)) display.zone = 'local';

function read() {
  try {
    return JSON.parse(localStorage.getItem(STORED_AS));
  } catch {
    return null;
  }
}

function change(to) {
  display = { ...display, ...to };
  try {
    localStorage.setItem(STORED_AS, JSON.stringify(display));
  } catch {
    // Without storage, the choice lasts until the page is closed.
  }
  showAll();
}

let short;
let whole;

/** The time of day, or the whole time with its date and zone. */
function show(time) {
  const at = new Date(time.dateTime);
  time.textContent = (display.isExact ? whole : short).format(at);
  time.title = whole.format(at);
}

function showAll() {
  const { zone, isExact } = display;
  const timeZone = zone === 'local' ? localZone : zone;
  short = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium', timeZone });
  whole = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long', timeZone });
  menu.textContent = zone === 'local' ? 'Local time' : zone;
  menu.ariaLabel = `Time zone: ${menu.textContent}`;
  menu.title = `Times are shown in: ${timeZone}`;
  zoneInput.value = zone;
  exactInput.checked = isExact;
  for (const time of document.querySelectorAll('time')) show(time);
}

export function clock(iso) {
  const time = Object.assign(document.createElement('time'), { dateTime: iso });
  show(time);
  return time;
}

const optionsOf = (names) => names.map((name) => new Option(name));
const others = Object.assign(document.createElement('optgroup'), { label: 'Other zones' });
others.append(...optionsOf(zones));
zoneInput.append(new Option(`Local time (${localZone})`, 'local'), ...optionsOf(['UTC']), others);
showAll();

menu.addEventListener('click', () => dialog.showModal());
zoneInput.addEventListener('change', () => change({ zone: zoneInput.value }));
exactInput.addEventListener('change', () => change({ isExact: exactInput.checked }));
document.addEventListener('click', ({ target }) => {
  if (target.closest('time') && !target.closest('a, button, summary, label')) change({ isExact: !display.isExact });
});
