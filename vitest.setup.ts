import fc from 'fast-check';

// Property tests generate the same values in every run. FAST_CHECK_SEED selects others: a number, or `random`.
const seed = process.env['FAST_CHECK_SEED'] ?? '1';
if (seed !== 'random') fc.configureGlobal({ seed: Number(seed) });
