// Imported first by what npm runs: ends the process where Node is too old.
// npm puts node_modules/.bin first, so `node` is the pinned one wherever its install script has run.
const REQUIRED = 24;

if (Number(process.versions.node.split('.')[0]) < REQUIRED) {
  console.error(
    `Tenon needs Node ${REQUIRED}; this is ${process.versions.node}. "npm ci" brings it as the package "node", whose install script did not run here (--ignore-scripts?). Run: npm rebuild node`,
  );
  process.exit(1);
}
