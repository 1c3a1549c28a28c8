FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build && npm prune --omit=dev

FROM node:24-bookworm-slim
ENV NODE_ENV=production PIAZZA_HOST=0.0.0.0
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
  CMD ["node", "-e", "require(process.env.PIAZZA_TLS_CERT_FILE ? 'https' : 'http').get({ host: '127.0.0.1', port: process.env.PIAZZA_PORT || 8080, path: '/livez', rejectUnauthorized: false }, (r) => process.exit(r.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
# node itself is PID 1: it gets SIGTERM and drains (PIAZZA_DRAIN_TIME; give docker stop -t more than that)
STOPSIGNAL SIGTERM
CMD ["node", "dist/main.js"]
