#!/bin/sh
# Makes the passwords that docker-compose.yml hands to its services: random, in the folder
# deploy/secrets that only its owner opens. What is there already stays.
set -eu
umask 077
dir=${1:-$(dirname "$0")/secrets}
mkdir -p "$dir"

password() { # password NAME: a new one in the file, unless it has one
	[ -s "$dir/$1" ] || od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$dir/$1"
	cat "$dir/$1"
}
digest() { printf %s "$1" | sha256sum | cut -d' ' -f1; }

nats=$(password nats_password)
writer=$(password clickhouse_password)
reader=$(password clickhouse_reader_password)
password grafana_password >/dev/null
password dashboard_token >/dev/null
[ -e "$dir/connectors.env" ] || printf '# Secrets of connectors, one a line: CONTOSO_SECRET=...\n' >"$dir/connectors.env"

cat >"$dir/nats_users.conf" <<END
users = [{user: seatstream, password: "$nats"}]
END
cat >"$dir/clickhouse_passwords.xml" <<END
<clickhouse><users>
  <seatstream><password_sha256_hex>$(digest "$writer")</password_sha256_hex></seatstream>
  <reader><password_sha256_hex>$(digest "$reader")</password_sha256_hex></reader>
</users></clickhouse>
END
# The services run as users of their own and see single files, each mounted into them: those
# must be readable, and the folder is what keeps others of this machine out.
chmod 644 "$dir"/*
chmod 700 "$dir"
echo "secrets are in $dir"
