#!/bin/sh
# Installs the Debian packages that are missing: deps.sh 'BUILD PACKAGES' 'TEST PACKAGES' 'OPTIONAL PACKAGES'
#
# One dpkg-query and no network when nothing is missing. Optional packages are tried along with a
# missing required one; their absence breaks nothing.
set -eu

missing_of()
{
    # shellcheck disable=SC2086 # a list of package names
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' $1 2>/dev/null |
        awk -v want="$1" '$1 == "installed" { have[$2] = 1 }
                          END { n = split(want, w, " ")
                                for (i = 1; i <= n; i++) if (!(w[i] in have)) printf "%s ", w[i] }'
}

missing=$(missing_of "$1 $2")
if [ -z "$missing" ]; then
    exit 0
fi

if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif sudo -n true 2>/dev/null; then
    as_root=sudo
else
    echo "wardgate: Debian packages are missing; as root, run: apt-get install --no-install-recommends $missing" >&2
    exit 1
fi

mkdir -p build
echo "deps: installing $missing"
apt()
{
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" >>build/deps.log 2>&1
}
: >build/deps.log
apt update || echo "deps: apt-get update failed, trying with the lists at hand" >&2
# shellcheck disable=SC2086 # a list of package names
if ! apt install --no-install-recommends $missing; then
    tail -n 20 build/deps.log >&2
    echo "deps: installation failed (whole log: build/deps.log)" >&2
    exit 1
fi
for name in $(missing_of "$3"); do
    apt install --no-install-recommends "$name" || echo "deps: optional package $name cannot be had" >&2
done
