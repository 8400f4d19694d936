# Sourced by the scripts in Tools/: checks the toolchain and installs the distribution packages that are missing.
# Usage: tern_setup build|test   (TERN_NO_INSTALL=1 only names what is missing)

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# What the device binary links, and what the tests need beside it. The names hold on Debian 12 and Ubuntu 22.04 and later.
packages_build=(libjpeg-dev libpng-dev zlib1g-dev libevent-dev libsodium-dev python3)
packages_test=("${packages_build[@]}" libopenblas-dev python3-venv curl)

say() { printf '%s\n' "$*" >&2; }

die() { say "error: $*"; exit 69; }

tern_setup() {
    local wanted=() missing=() package
    case $1 in
        build) wanted=("${packages_build[@]}") ;;
        test) wanted=("${packages_test[@]}") ;;
    esac
    command -v swift >/dev/null || die "no Swift toolchain on the PATH; install Swift $(cat "$root/.swift-version") from swift.org, then try again"
    for package in "${wanted[@]}"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    [ "${TERN_NO_INSTALL:-0}" = 1 ] && die "missing packages: ${missing[*]}; install them with: apt-get install ${missing[*]}"
    say "installing distribution packages: ${missing[*]}"
    local as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
