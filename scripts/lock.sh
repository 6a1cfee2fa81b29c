#!/bin/sh
# Writes requirements/*.txt from requirements/*.in: every version pinned, every file hashed, no address of any
# package index, for every Python from 3.11 on and every platform. Versions already written down are kept;
# UPGRADE=1 takes the newest ones, UPGRADE=name the newest of one package.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}

upgrade=
case "${UPGRADE:-}" in
    "") ;;
    1) upgrade=--upgrade ;;
    *) upgrade="--upgrade-package=$UPGRADE" ;;
esac

compile() {
    name=$1
    shift
    # shellcheck disable=SC2086  # $upgrade is nothing or one word
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-emit-index-annotation \
        --custom-compile-command "make lock" $upgrade \
        "requirements/$name.in" --output-file "requirements/$name.txt" "$@"
    echo "requirements/$name.txt: $(grep -c '^[a-zA-Z0-9]' "requirements/$name.txt") packages"
}

compile run
compile build --constraint requirements/run.txt
compile dev --constraint requirements/run.txt --constraint requirements/build.txt
compile uv
