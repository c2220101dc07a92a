// npm start, npm test, npm run bench: everything from a fresh clone on. No dependency, and nothing in this file that an old
// Node could not even parse, since its first job is to tell that it is too old.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error('Posthorn needs Node 20.19 or newer; this is ' + process.versions.node + '.');
  process.exit(1);
}
import('./bootstrap/run-command.mjs')
  .then(({ runCommand }) => runCommand(process.argv[2], process.argv.slice(3)))
  .catch((error) => {
    console.error(error);
    process.exit(1);
  });
