export { closeOnSignal, type CloseOptions } from './close-on-signal.js';
