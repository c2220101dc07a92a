import chromium from '@sparticuz/chromium';

// A program that unpacks the package's Chromium into the folder for temporary files. The caller sets the environment of Amazon Linux 2023,
// for which the package also unpacks libraries that a bare machine lacks.
await chromium.executablePath();
