export { type BoardTickets, openBoardTickets, signBoardTicket } from './board-ticket.js';
export { closeOnSignal, type CloseOptions } from './close-on-signal.js';
export { clientAddressOf, trustProxies } from './client-address.js';
export { networkOf } from './network-of.js';
export { readVersion } from './read-version.js';
export { shareResult } from './share-result.js';
