// What tools do with a database. It loads no Prisma, which would take half a second of CPU at each start of the CLI.
export { type DatabaseDescription, describeDatabase } from './inspect/describe-database.js';
export { inspectDatabase } from './inspect/inspect-database.js';
export { MigrationError, migrateUp, migrationStatus } from './migrate/migrate.js';
export { readPooling } from './pooling/read-pooling.js';
