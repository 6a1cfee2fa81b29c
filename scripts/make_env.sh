#!/bin/sh
# Writes .env from .env.example with new random passwords and a data key in place of the empty ones; an existing .env stays as it is.
set -eu
cd "$(dirname "$0")/.."
if [ -e .env ]; then
    echo ".env exists already; the database knows its passwords, so it stays as it is."
    exit 0
fi
umask 077
draft=$(mktemp .env.XXXXXX)
trap 'rm -f "$draft"' EXIT
while IFS= read -r line; do
    case "$line" in
        *_PASSWORD=) line="$line$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" ;;
        TIMEBANK_DATA_KEY=) line="$line$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n')" ;;
    esac
    printf '%s\n' "$line"
done < .env.example > "$draft"
mv "$draft" .env
trap - EXIT
echo ".env is written, readable by you only."
