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
 && mkdir -p -m 1777 /home/cion
COPY --from=package /opt/cion /opt/cion
COPY docker/entrypoint /usr/local/bin/cion-entrypoint
ENV HOME=/home/cion \
    PATH=/opt/cion/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /project
LABEL org.opencontainers.image.title="cion" \
      org.opencontainers.image.description="From a git commit to a deployment, one queue of containers." \
      org.opencontainers.image.licenses="MIT"
ENTRYPOINT ["cion-entrypoint"]
CMD ["--help"]
