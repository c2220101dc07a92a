import { defineConfig } from 'prisma/config';

// Only `prisma generate` and `prisma validate` are used. Migrations are applied by packages/core (npm run db:migrate).
export default defineConfig({ schema: 'prisma/schema.prisma', migrations: { path: 'prisma/migrations' } });
