# On the machine's own platform, whatever the image is for: what these two make is JavaScript (tested).
FROM --platform=$BUILDPLATFORM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build

# What runs, and no more: packages bring their tests, sources, types and maps along. Licenses stay.
FROM --platform=$BUILDPLATFORM node:24-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev \
 && find node_modules -type d \( -name test -o -name tests -o -name benchmark -o -name benchmarks -o -name example \
      -o -name examples -o -name docs -o -name .github \) -prune -exec rm -rf {} + \
 && find node_modules -type f \( -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.md' \) \
      ! -iname 'licen[cs]e*' -delete \
 && find node_modules -type d -empty -delete

FROM node:24-bookworm-slim AS node

# The base of the image above, with its Node alone: npm, which would bring packages of its own to be patched, and the
# headers of Node are 70 MB that nothing here uses.
FROM debian:bookworm-slim
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --no-create-home --shell /usr/sbin/nologin node
COPY --from=node /usr/local/bin/node /usr/local/bin/
RUN node --version
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ops/docker/health.mjs ./

# The version is that of package.json (tested); the others are known to whoever releases.
ARG VERSION=0.1.0
ARG REVISION=
ARG SOURCE=
LABEL org.opencontainers.image.title="piazza" \
      org.opencontainers.image.description="A pub/sub broadcast hub for server-sent events: exact for a plain EventSource" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.source="$SOURCE"

ENV NODE_ENV=production PIAZZA_HOST=0.0.0.0
# By number: Kubernetes can't see of a name that it is not root.
USER 1000:1000
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s CMD ["node", "health.mjs"]
# Node itself is PID 1: it gets SIGTERM and drains (PIAZZA_DRAIN_TIME; give docker stop -t more than that).
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/app/dist/main.js"]
