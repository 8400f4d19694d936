# Sourced by the scripts in Tools/: checks the toolchain and installs the distribution packages that are missing.
# Usage: tern_setup build|test   (TERN_NO_INSTALL=1 only names what is missing)

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# What the device binary links, and what the tests need beside it. The names hold on Debian 12 and Ubuntu 22.04 and later.
packages_build=(libjpeg-dev libopenjp2-7-dev libpng-dev zlib1g-dev libevent-dev libsodium-dev libseccomp-dev python3)
packages_test=("${packages_build[@]}" libopenblas-dev python3-venv curl qemu-user-static dcmtk dicom3tools orthanc strace groff-base systemd
    chromium chromium-driver)

# What the aarch64 binary links: Debian 12's arm64 headers and archives, unpacked into build/sysroot/aarch64. Installing them beside the
# others would remove libevent-dev, which is not made for two architectures at once, and would hold the machine to one version of each.
packages_sysroot=(libc6-dev linux-libc-dev libgcc-12-dev libjpeg62-turbo-dev libopenjp2-7-dev libpng-dev zlib1g-dev libevent-dev libsodium-dev libseccomp-dev)

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

# tern_sysroot: prints the folder with the arm64 headers and archives, made when it is missing or its list of packages has changed.
# apt works on lists and a cache of its own there: it needs no root and leaves the machine's packages alone. Sources and keys are the machine's.
tern_sysroot() {
    if [ -n "${TERN_AARCH64_SYSROOT:-}" ]; then
        [ -e "$TERN_AARCH64_SYSROOT/usr/lib/aarch64-linux-gnu/libc.a" ] || die "TERN_AARCH64_SYSROOT has no usr/lib/aarch64-linux-gnu/libc.a"
        printf '%s\n' "$TERN_AARCH64_SYSROOT"
        return 0
    fi
    local folder=$root/build/sysroot/aarch64 fresh=$root/build/sysroot/aarch64.new archive
    if [ "$(cat "$folder/packages" 2>/dev/null)" != "${packages_sysroot[*]}" ] || [ ! -e "$folder/versions" ]; then
        [ "${TERN_NO_INSTALL:-0}" = 1 ] && die "missing in $folder: the arm64 packages ${packages_sysroot[*]}; run again without --no-install"
        say "fetching the arm64 packages ${packages_sysroot[*]}"
        rm -rf "$fresh"
        mkdir -p "$fresh/apt/lists/partial" "$fresh/apt/cache/archives/partial" "$fresh/apt/archives"
        : >"$fresh/apt/status"
        local apt=(apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root
            -o "Dir::State::Lists=$fresh/apt/lists" -o "Dir::State::status=$fresh/apt/status" -o "Dir::Cache=$fresh/apt/cache")
        "${apt[@]}" update >&2 || die "the package sources give no list for arm64"
        (cd "$fresh/apt/archives" && "${apt[@]}" download "${packages_sysroot[@]}" >&2) ||
            die "the package sources have no arm64 packages of Debian 12; set TERN_AARCH64_SYSROOT to a folder that holds them unpacked"
        # What Tools/sbom says of the archives: package, source package, its version.
        for archive in "$fresh"/apt/archives/*.deb; do
            dpkg-deb -x "$archive" "$fresh"
            # shellcheck disable=SC2016
            dpkg-deb -W --showformat='${Package} ${source:Package} ${source:Version}\n' "$archive" >>"$fresh/versions"
        done
        rm -rf "$fresh/apt" "$folder"
        printf '%s\n' "${packages_sysroot[*]}" >"$fresh/packages"
        mv "$fresh" "$folder"
    fi
    printf '%s\n' "$folder"
}
