import { build } from './vitest.build.js';

/** Some files of the unit tier import `@posthorn/core`, whose index also exports code that imports the Prisma client. */
export default function setup(): void {
  build('db:generate');
}
