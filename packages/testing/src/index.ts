export { findBrowser } from './find-browser.js';
export { cloneDatabase, type ClonedDatabase } from './clone-database.js';
export { openReceiver, type Answer, type Receiver, type Received } from './open-receiver.js';
export { waitFor } from './wait-for.js';
