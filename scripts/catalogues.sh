#!/bin/sh
# Collects the words of pages and rules and brings timebank/languages/catalogues/*.po up to date; what is translated stays.
set -eu
cd "$(dirname "$0")/.."
pybabel=.venv/bin/pybabel
folder=timebank/languages/catalogues
draft=$(mktemp)
trap 'rm -f "$draft"' EXIT

"$pybabel" -q extract -F babel.cfg -k say -k say_n:2,3 -k mark --no-location --sort-output --omit-header -o "$draft" .
for language in cy es ar; do
    if [ -f "$folder/$language.po" ]; then
        "$pybabel" -q update -i "$draft" -o "$folder/$language.po" -l "$language" --no-fuzzy-matching --ignore-obsolete \
            --omit-header --no-wrap
    else
        "$pybabel" -q init -i "$draft" -o "$folder/$language.po" -l "$language" --no-wrap
    fi
    "$pybabel" compile --statistics -i "$folder/$language.po" -o /dev/null -l "$language" 2>&1 | sed -n 's/^[0-9].*/&/p'
done
