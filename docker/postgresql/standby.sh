#!/bin/sh
# A standby of the server that PGHOST, PGUSER and PGPASSWORD name: a copy of it at the first start, and
# from then on no commit there is answered before it is here.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  pg_basebackup --pgdata="$PGDATA" --write-recovery-conf --checkpoint=fast \
    --create-slot --slot=standby
  psql --no-psqlrc --set=ON_ERROR_STOP=1 --dbname=postgres \
    --command="ALTER SYSTEM SET synchronous_standby_names='*'" \
    --command="SELECT pg_reload_conf()"
fi
exec postgres -D "$PGDATA" "$@"
