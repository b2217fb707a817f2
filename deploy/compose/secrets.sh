#!/bin/sh
# Makes the secrets that compose.yaml names, each in a file of its own, where there are none yet. Nothing is printed.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets

password() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# once NAME TEXT: a secret that is there stays, because the database knows it.
once() { [ -e "secrets/$1" ] || printf '%s' "$2" > "secrets/$1"; }

once postgres "$(password)"
for role in owner:sekisho_owner service:gatekeeper publisher:publisher revoker:helpdesk; do
  name=${role%%:*}
  once "role_$name" "$(password)"
  once "store_$name" "postgresql://${role#*:}:$(cat "secrets/role_$name")@postgres/sekisho"
done
# Compose mounts them as they are; the image's user reads its own, and the folder keeps everybody else out.
chmod 0444 secrets/*
