// The entry point of npm start, npm test and npm run bench in a fresh clone. It has no dependency and only syntax that an old Node
// can parse, since it first reports a Node that is too old.
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
