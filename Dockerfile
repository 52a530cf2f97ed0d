# Tidewatch in a container: the official Node image, our files as they are, an unprivileged user.
FROM node:26.10.0-bookworm-slim

WORKDIR /opt/tidewatch
ENV NODE_ENV=production NODE_COMPILE_CACHE=/var/cache/tidewatch
COPY package.json package-lock.json ./
# The image is the Node.js, so the per-platform binaries and the practice co-op's servers stay out.
RUN npm ci --omit=dev --omit=optional --no-audit --no-fund \
 && mkdir -p /var/cache/tidewatch /var/lib/tidewatch \
 && chown node:node /var/cache/tidewatch /var/lib/tidewatch
COPY . .

USER node
WORKDIR /var/lib/tidewatch
VOLUME /var/lib/tidewatch
EXPOSE 8080 9464
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9464/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# It begins by itself with the settings of the allocator and of V8 that keep it small (main.ts.js).
CMD ["node", "/opt/tidewatch/main.ts", "run", "--config", "/etc/tidewatch/tidewatch.yaml"]
