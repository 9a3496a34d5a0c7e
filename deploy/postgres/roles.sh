#!/bin/sh
# Makes the database and its logins, once, as the superuser: an owner who migrates, a service login that may insert
# and select, an auditor's login that may select. The passwords come from the environment and are never printed.
set -eu

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\getenv owner_password POSTGRES_OWNER_PASSWORD
\getenv service_password POSTGRES_SERVICE_PASSWORD
\getenv auditor_password POSTGRES_AUDITOR_PASSWORD

CREATE ROLE priorauth_service NOLOGIN;
CREATE ROLE priorauth_auditor NOLOGIN;
CREATE ROLE priorauth_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE priorauth_app LOGIN PASSWORD :'service_password' IN ROLE priorauth_service;
CREATE ROLE priorauth_audit LOGIN PASSWORD :'auditor_password' IN ROLE priorauth_auditor;
ALTER ROLE priorauth_audit SET default_transaction_read_only = on;
GRANT priorauth_service, priorauth_auditor TO priorauth_owner;

CREATE DATABASE priorauth OWNER priorauth_owner;
REVOKE ALL ON DATABASE priorauth FROM PUBLIC;
GRANT CONNECT ON DATABASE priorauth TO priorauth_service, priorauth_auditor;
SQL
