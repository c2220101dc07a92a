import fc from 'fast-check';

// Every run makes the same values, so a run is red only for what changed. FAST_CHECK_SEED chooses others: a number, or `random`.
const seed = process.env['FAST_CHECK_SEED'] ?? '1';
if (seed !== 'random') fc.configureGlobal({ seed: Number(seed) });
