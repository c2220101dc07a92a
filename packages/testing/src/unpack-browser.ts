import chromium from '@sparticuz/chromium';

// A program: unpacks the package's Chromium into the folder for temporary files. Told that it runs on Amazon's Linux 2023, where
// it is at home, it unpacks the libraries too that a bare machine lacks.
await chromium.executablePath();
