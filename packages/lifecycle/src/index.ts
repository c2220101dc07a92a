export { closeOnSignal, type CloseOptions } from './close-on-signal.js';
export { readVersion } from './read-version.js';
