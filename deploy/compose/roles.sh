#!/bin/sh
# Run once, by PostgreSQL's own image, when the database is made: who owns the tables, who reads them, who adds to them.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --username postgres --dbname sekisho \
  --set owner="$(cat /run/secrets/role_owner)" \
  --set service="$(cat /run/secrets/role_service)" \
  --set publisher="$(cat /run/secrets/role_publisher)" \
  --set revoker="$(cat /run/secrets/role_revoker)" << 'SQL'
CREATE ROLE sekisho_owner LOGIN PASSWORD :'owner';
CREATE ROLE gatekeeper LOGIN PASSWORD :'service';
CREATE ROLE publisher LOGIN PASSWORD :'publisher';
CREATE ROLE helpdesk LOGIN PASSWORD :'revoker';
ALTER DATABASE sekisho OWNER TO sekisho_owner;
REVOKE ALL ON DATABASE sekisho FROM PUBLIC;
GRANT CONNECT ON DATABASE sekisho TO gatekeeper, publisher, helpdesk;
SQL
