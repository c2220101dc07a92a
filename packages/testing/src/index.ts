export { cloneDatabase, type ClonedDatabase } from './clone-database.js';
export { findBrowser } from './find-browser.js';
export { makeCertificate } from './make-certificate.js';
export { openProxy, type Proxy, type Weather } from './open-proxy.js';
export { openReceiver, type Answer, type Receiver, type Received } from './open-receiver.js';
export { endProcess, startProcess } from './start-process.js';
export { STORY_ENV, type Story, tellStory } from './tell-story.js';
export { waitFor } from './wait-for.js';
export { writeHistory } from './write-history.js';
