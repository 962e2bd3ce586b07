#!/bin/sh
# Makes what the services of compose.yaml share, each in a file of its own. What is there stays. Keep a copy of server-key elsewhere.
set -eu
umask 077
cd "$(dirname "$0")"
if [ -e secrets ]; then
  echo "There is a folder secrets already; nothing was changed." >&2
  exit 1
fi
random() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
password=$(random)
access=$(random)
secret=$(random)
rm -rf secrets.new
mkdir secrets.new
cd secrets.new
printf '%s' "$password" >database-password
printf 'database:5432:cion:cion:%s\n' "$password" >database-login
head -c 32 /dev/urandom | base64 >server-key
printf '[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$access" "$secret" >s3-login
printf '{"identities":[{"name":"cion","credentials":[{"accessKey":"%s","secretKey":"%s"}],"actions":["Admin"]}]}\n' "$access" "$secret" >s3-users
: >worker-token
# In the containers nobody is the user of this machine. This folder is closed to all others; what of it is open within goes into one container each.
chmod 644 database-password s3-users s3-login worker-token
# These two are refused where anybody else can read them: they are of the user of the image, 8420.
if ! chown 8420:8420 database-login server-key 2>/dev/null; then
  docker run --rm --user 0 --entrypoint chown -v "$PWD:/secrets" cion 8420:8420 /secrets/database-login /secrets/server-key
fi
cd ..
mv secrets.new secrets
echo "Made secrets. Keep a copy of the server's key elsewhere, without it no secret can be read again: docker compose exec cion cat /run/secrets/server-key"
