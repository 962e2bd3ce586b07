# cion and all that it needs, see docs/container-image.md. The base is a Debian with Node 24 and npm; git and ssh are added where it has none.
ARG BASE=node:24-slim

FROM ${BASE} AS package
WORKDIR /src
COPY . .
RUN npm ci --ignore-scripts --no-audit --no-fund \
 && npm pack --pack-destination /tmp \
 && npm install --prefix /opt/cion --omit=optional --ignore-scripts --no-audit --no-fund /tmp/cion-*.tgz

FROM ${BASE}
RUN if ! { command -v git && command -v ssh; } >/dev/null; then \
      apt-get update \
      && apt-get install -y --no-install-recommends ca-certificates git openssh-client \
      && rm -rf /var/lib/apt/lists/*; \
    fi \
 && git config --system --add safe.directory '*' \
 && mkdir -p -m 1777 /home/cion \
 && echo 'cion:x:8420:8420::/home/cion:/bin/sh' >>/etc/passwd \
 && echo 'cion:x:8420:' >>/etc/group \
 && mkdir -m 700 /data \
 && chown 8420:8420 /data
COPY --from=package /opt/cion /opt/cion
COPY docker/entrypoint /usr/local/bin/cion-entrypoint
COPY docker/healthy /usr/local/bin/cion-healthy
# Of `serve` and `work`: what they keep, and where others reach a server.
ENV CION_DATA=/data \
    CION_STATE_DIR=/data \
    CION_LISTEN=0.0.0.0:8420 \
    HOME=/home/cion \
    PATH=/opt/cion/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /project
LABEL org.opencontainers.image.title="cion" \
      org.opencontainers.image.description="From a git commit to a deployment, one queue of containers." \
      org.opencontainers.image.licenses="MIT"
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["cion-healthy"]
ENTRYPOINT ["cion-entrypoint"]
CMD ["--help"]
