#!/bin/sh
# The server's first start: the exchange's user, with a password of its own and the right to see how
# far standbys are, its database, and a way in for the standby.
set -eu
: "${LEDGER_PASSWORD:?of the exchange's user, is empty}"
psql --no-psqlrc --username="$POSTGRES_USER" --dbname=postgres --set=ON_ERROR_STOP=1 --set=password="$LEDGER_PASSWORD" <<'SQL'
CREATE ROLE exchange LOGIN PASSWORD :'password';
GRANT pg_read_all_stats TO exchange;
CREATE DATABASE exchange OWNER exchange;
SQL
echo "host replication postgres all scram-sha-256" >>"$PGDATA/pg_hba.conf"
