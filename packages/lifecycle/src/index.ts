export { closeOnSignal, type CloseOptions } from './close-on-signal.js';
export { networkOf } from './network-of.js';
export { readVersion } from './read-version.js';
