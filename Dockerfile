# One image for all apps; the command selects one: apps/api/dist/server.js, apps/worker/dist/main.js,
# apps/board/dist/main.js, or the CLI, apps/cli/dist/main.js (migrate up, healthcheck …).

# Only the package manifests, so that the layers with node_modules stay cached until one of these changes.
FROM node:24-slim AS manifests
WORKDIR /src
COPY . .
RUN mkdir /manifests && cp --parents package.json package-lock.json .npmrc apps/*/package.json packages/*/package.json bench/package.json faults/package.json /manifests

FROM node:24-slim AS build
ENV TURBO_TELEMETRY_DISABLED=1
WORKDIR /app
COPY --from=manifests /manifests ./
RUN npm ci
COPY . .
RUN npm run build
RUN mkdir /built \
  && cp --parents -r apps/*/dist apps/demo/page packages/*/dist packages/tokens/tokens.css prisma/migrations /built \
  && find /built \( -name '*.map' -o -name '*.d.ts' -o -name '*.tsbuildinfo' \) -delete

# Without optional packages: the embedded Postgres, Prisma's CLI (a peer of its client), and native modules with JavaScript
# equivalents. Prisma's client keeps only its Postgres compiler.
FROM node:24-slim AS modules
WORKDIR /app
COPY --from=manifests /manifests ./
RUN npm ci --omit=dev --omit=optional \
  && find node_modules \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete \
  && find node_modules/@prisma/client/runtime -name 'query_compiler_*' ! -name '*.postgresql.*' -delete

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=modules /app ./
COPY --from=build /built ./
USER node
CMD ["node", "apps/api/dist/server.js"]
