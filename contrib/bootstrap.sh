#!/bin/sh
# Builds a project on a machine that has Node, npm, git and a Docker Engine, and no cion:
#
#   CION_PACKAGE=https://example.org/cion-0.1.0.tgz CION_SHA256=… sh bootstrap.sh HOST/OWNER/PROJECT [options of cion build]
#
# cion and the source lie in a directory of their own, which is gone afterwards; BUILD_ID names the build.
set -eu
: "${CION_PACKAGE:?says where the package of cion is}" "${CION_SHA256:?is its checksum}"
repository=$1
shift

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
trap 'exit 1' HUP INT TERM
export BUILD_DIR="${BUILD_DIR:-$place/build}"

node -e '
  const [address, file] = process.argv.slice(1);
  fetch(address).then(async (response) => {
    if (!response.ok) throw new Error(`${address}: ${response.status}`);
    require("node:fs").writeFileSync(file, Buffer.from(await response.arrayBuffer()));
  }).catch((error) => { console.error(String(error)); process.exit(1); });
' "$CION_PACKAGE" "$place/cion.tgz"
echo "$CION_SHA256  $place/cion.tgz" | sha256sum -c - >&2
npm install --global --prefix "$place" --no-audit --no-fund --loglevel=error "$place/cion.tgz" >&2

project=${repository%.git}
project=${project%@*}
owner=${project%/*}
"$place/bin/cion" fetch "$repository"
"$place/bin/cion" build "${owner##*/}/${project##*/}" "$@"
