// Prints the notes of the current version from CHANGELOG.md.
import { readChangelog, readVersion } from './files.mjs';

const sections = readChangelog().split(/^## /m);
const notes = sections.find((section) => section.startsWith(`${readVersion()}\n`));
console.log(notes?.slice(readVersion().length).trim() ?? 'The first release.');
