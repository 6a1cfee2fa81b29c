#!/bin/sh
# Usage: make_venv.sh FOLDER: makes the virtual environment that everything is installed into, or says in one
# sentence why it cannot. PYTHON names another interpreter.
set -eu
folder=$1
python=${PYTHON:-python3}

if ! command -v "$python" > /dev/null 2>&1; then
    echo "Timebank needs Python 3.11 or newer, and there is no command \"$python\" here. On Debian or Ubuntu: apt-get install python3 python3-venv" >&2
    exit 1
fi
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "Timebank needs Python 3.11 or newer; \"$python\" is $version. With a newer one beside it: make PYTHON=python3.11" >&2
    exit 1
fi
if [ -x "$folder/bin/python" ]; then
    if "$folder/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
        exit 0
    fi
    echo "The Python in $folder cannot be used (any more). Remove it with \"make clean\" and try again." >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' > /dev/null 2>&1; then
    echo "This Python comes without venv. Install Debian's package for it and try again: apt-get install python$version-venv" >&2
    exit 1
fi
echo "Making $folder with Python $version"
"$python" -m venv "$folder"
