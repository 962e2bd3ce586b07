#!/bin/sh
# Sourced by sh or bash; what goes on is in a subshell, so that nothing of it stays. The keys are in no command line and in no log.
(
  set +x
  [ -n "${WERCKER_S3SYNC_KEY_ID:-}" ] || fail 's3sync: the option key_id is missing'
  [ -n "${WERCKER_S3SYNC_KEY_SECRET:-}" ] || fail 's3sync: the option key_secret is missing'
  bucket=${WERCKER_S3SYNC_BUCKET_URL:-}
  case $bucket in
    s3://?*) ;;
    *) fail "s3sync: bucket_url is s3://bucket or s3://bucket/directory, not \"$bucket\"" ;;
  esac
  bucket=${bucket#s3://}
  prefix=
  case $bucket in
    */*)
      prefix=${bucket#*/}
      bucket=${bucket%%/*}
      prefix=${prefix%/}${prefix:+/}
      [ "$prefix" != / ] || prefix=
      ;;
  esac
  region=${WERCKER_S3SYNC_REGION:-${AWS_REGION:-${AWS_DEFAULT_REGION:-us-east-1}}}
  endpoint=${WERCKER_S3SYNC_ENDPOINT:-${AWS_ENDPOINT_URL_S3:-${AWS_ENDPOINT_URL:-https://s3.$region.amazonaws.com}}}
  directory=${WERCKER_ROOT:-.}/${WERCKER_S3SYNC_SOURCE_DIR:-}
  cd "$directory" || fail "s3sync: there is no directory $directory"
  acl=
  case " ${WERCKER_S3SYNC_OPTS:---acl-public} " in *' --acl-public '*) acl=public-read ;; esac
  delete=${WERCKER_S3SYNC_DELETE_REMOVED:-true}

  if ! curl --help all 2>/dev/null | grep -q aws-sigv4; then
    command -v aws >/dev/null 2>&1 || fail 's3sync: there is neither a curl of 7.88 or newer nor the AWS CLI in this box'
    export AWS_ACCESS_KEY_ID="$WERCKER_S3SYNC_KEY_ID" AWS_SECRET_ACCESS_KEY="$WERCKER_S3SYNC_KEY_SECRET" AWS_DEFAULT_REGION="$region"
    set -- s3 sync . "s3://$bucket/$prefix" --endpoint-url "$endpoint"
    [ -z "$acl" ] || set -- "$@" --acl "$acl"
    [ "$delete" != true ] || set -- "$@" --delete
    aws "$@" || fail 's3sync: aws s3 sync failed'
    success 's3sync: done'
    exit 0
  fi

  folder=$(mktemp -d) || fail 's3sync: there is no place for temporary files'
  trap 'rm -rf "$folder"' EXIT
  (umask 077 && printf 'user = "%s:%s"\n' "$WERCKER_S3SYNC_KEY_ID" "$WERCKER_S3SYNC_KEY_SECRET" >"$folder/keys")
  s3() { curl -sS --retry 3 --max-time 3600 --aws-sigv4 "aws:amz:$region:s3" -K "$folder/keys" -o "$folder/answer" -w '%{http_code}' "$@"; }
  nothing=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
  refused() { fail "s3sync: $1: HTTP $2 $(tr -d '\n' <"$folder/answer" | head -c 500)"; }

  # Names as they stand in an address, one a line; those of S3 are read with "decode" and written as ours are.
  address='
    BEGIN { for (i = 1; i < 256; i++) { c = sprintf("%c", i); hex[c] = sprintf("%%%02X", i); char[sprintf("%02X", i)] = c } }
    function encoded(s,   i, c, r) {
      for (i = 1; i <= length(s); i++) { c = substr(s, i, 1); r = r (c ~ /[A-Za-z0-9_.~\/-]/ ? c : hex[c]) }
      return r
    }
    function decoded(s,   i, c, r) {
      for (i = 1; i <= length(s); i++) {
        c = substr(s, i, 1)
        if (c == "+") c = " "
        if (c == "%") { c = char[toupper(substr(s, i + 1, 2))]; i += 2 }
        r = r c
      }
      return r
    }'
  encode() { LC_ALL=C awk "$address"' { print encoded($0) }'; }

  # What is there: <md5> <name>.
  place="$endpoint/$bucket"
  start=
  : >"$folder/there"
  while :; do
    # In the order in which they are signed.
    query="encoding-type=url&list-type=2&prefix=$(printf '%s\n' "$prefix" | encode | sed 's,/,%2F,g')${start:+&start-after=$start}"
    code=$(s3 -H "x-amz-content-sha256: $nothing" "$place?$query")
    [ "$code" = 200 ] || refused "s3://$bucket cannot be listed" "$code"
    tr -d '\n\r' <"$folder/answer" | sed 's/<Contents>/\
&/g' | sed -n 's,^<Contents>.*<Key>\([^<]*\)</Key>.*<ETag>[^0-9a-f<]*\([0-9a-f]*\).*,\2 \1,p' |
      LC_ALL=C awk "$address"' { print $1 " " encoded(decoded(substr($0, length($1) + 2))) }' >"$folder/page"
    cat "$folder/page" >>"$folder/there"
    if ! grep -q '<IsTruncated>true<' "$folder/answer" || [ ! -s "$folder/page" ]; then break; fi
    start=$(tail -n 1 "$folder/page" | cut -d ' ' -f 2 | sed 's,/,%2F,g')
  done

  find . -type f | sed 's,^\./,,' | LC_ALL=C sort >"$folder/files"
  encode <"$folder/files" | sed "s,^,$(printf '%s\n' "$prefix" | encode)," >"$folder/names"

  type_of() {
    case $1 in
      *.html | *.htm) echo text/html ;;
      *.css) echo text/css ;;
      *.js | *.mjs) echo text/javascript ;;
      *.json | *.map) echo application/json ;;
      *.svg) echo image/svg+xml ;;
      *.png) echo image/png ;;
      *.jpg | *.jpeg) echo image/jpeg ;;
      *.gif) echo image/gif ;;
      *.webp) echo image/webp ;;
      *.ico) echo image/x-icon ;;
      *.xml) echo application/xml ;;
      *.pdf) echo application/pdf ;;
      *.txt | *.md) echo text/plain ;;
      *.woff2) echo font/woff2 ;;
      *.wasm) echo application/wasm ;;
      *) echo application/octet-stream ;;
    esac
  }

  uploaded=0
  while IFS= read -r file <&3 && IFS= read -r name <&4; do
    if ! md5=$(md5sum <"$file") || ! sum=$(sha256sum <"$file"); then fail "s3sync: $file cannot be read"; fi
    grep -qxF -- "${md5%% *} $name" "$folder/there" && continue
    code=$(s3 -T "$file" -H "x-amz-content-sha256: ${sum%% *}" -H "Content-Type: $(type_of "$file")" ${acl:+-H "x-amz-acl: $acl"} "$place/$name" </dev/null)
    [ "$code" = 200 ] || refused "$file cannot be uploaded" "$code"
    echo "$file"
    uploaded=$((uploaded + 1))
  done 3<"$folder/files" 4<"$folder/names"

  removed=0
  if [ "$delete" = true ]; then
    cut -d ' ' -f 2 "$folder/there" | grep -vxF -f "$folder/names" >"$folder/gone"
    [ -s "$folder/names" ] || cut -d ' ' -f 2 "$folder/there" >"$folder/gone"
    while IFS= read -r name <&3; do
      code=$(s3 -X DELETE -H "x-amz-content-sha256: $nothing" "$place/$name" </dev/null)
      [ "$code" = 204 ] || [ "$code" = 200 ] || refused "$name cannot be removed" "$code"
      echo "removed $name"
      removed=$((removed + 1))
    done 3<"$folder/gone"
  fi
  success "s3sync: s3://$bucket/$prefix: $uploaded uploaded, $removed removed, of $(wc -l <"$folder/files") files"
)
