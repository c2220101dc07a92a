# One image for all apps; the command selects one: apps/api/dist/server.js, apps/worker/dist/main.js,
# apps/board/dist/main.js, or the CLI, apps/cli/dist/main.js (migrate up, healthcheck …).
# `npm run image:check` builds and tests it.

# The first stages run on the machine that builds: their results suit every platform, so a build for several needs no emulation.
# Only the package manifests, so that the layers with node_modules stay cached until one of these changes.
FROM --platform=$BUILDPLATFORM node:24-slim AS manifests
WORKDIR /src
COPY . .
RUN mkdir /manifests && cp --parents package.json package-lock.json .npmrc apps/*/package.json packages/*/package.json bench/package.json faults/package.json /manifests

# The API and the worker are one file each; the others run unbundled, with our packages.
FROM --platform=$BUILDPLATFORM node:24-slim AS build
ENV TURBO_TELEMETRY_DISABLED=1
WORKDIR /app
COPY --from=manifests /manifests ./
RUN npm ci
COPY . .
RUN npx turbo run build --filter=./apps/* --filter=!@posthorn/demo --output-logs=errors-only
RUN mkdir /built \
  && cp --parents -r apps/api/dist/server.js apps/worker/dist/main.js apps/board/dist apps/cli/dist apps/console/dist apps/docs/dist/site \
    packages/*/dist packages/tokens/tokens.css prisma/migrations /built \
  && rm -rf /built/packages/testing \
  && node deploy/sbom.mjs > /built/sbom.cdx.json \
  && find /built \( -name '*.map' -o -name '*.d.ts' -o -name '*.tsbuildinfo' \) -delete

# What Bull Board and the CLI need; the bundles need only Prisma's client, which the CLI needs too. Without optional packages: the
# embedded Postgres, Prisma's CLI (a peer of its client), and native modules with JavaScript equivalents. Prisma's client keeps only the
# compiler that the generated client imports.
FROM --platform=$BUILDPLATFORM node:24-slim AS modules
WORKDIR /app
COPY --from=manifests /manifests ./
RUN npm ci --omit=dev --omit=optional --workspace=@posthorn/board --workspace=@posthorn/cli \
  && find node_modules \( -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.md' \) -delete \
  && find node_modules/@prisma/client/runtime -name 'query_compiler_*' ! -name 'query_compiler_fast_bg.postgresql.*mjs' -delete \
  && rm -r package-lock.json .npmrc bench faults

FROM node:24-slim
LABEL org.opencontainers.image.title="Posthorn" \
  org.opencontainers.image.description="Event subscriptions with webhooks, self-hosted" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="0.1.0" \
  org.opencontainers.image.base.name="docker.io/library/node:24-slim"
ENV NODE_ENV=production
WORKDIR /app
COPY --from=modules /app ./
COPY --from=build /built ./
USER node
EXPOSE 3400
# Of the process that the container runs: /readyz of the API, /livez of a worker or the board.
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s CMD ["node", "apps/cli/dist/main.js", "healthcheck"]
CMD ["node", "apps/api/dist/server.js"]
