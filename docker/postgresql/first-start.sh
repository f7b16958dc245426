#!/bin/sh
# The server's first start: the exchange's user and database, and a way in for the standby.
set -eu
psql --no-psqlrc --username="$POSTGRES_USER" --dbname=postgres --set=ON_ERROR_STOP=1 --set=password="$POSTGRES_PASSWORD" <<'SQL'
CREATE ROLE exchange LOGIN PASSWORD :'password';
CREATE DATABASE exchange OWNER exchange;
SQL
echo "host replication postgres all scram-sha-256" >>"$PGDATA/pg_hba.conf"
