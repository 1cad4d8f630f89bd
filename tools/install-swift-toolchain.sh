#!/usr/bin/env bash
# Unpack Debian 13's Swift 6.0 toolchain (compiler, Foundation, XCTest, package manager) into a folder of its
# own; nothing is installed on this machine. About 550 MB of downloads, 2.5 GB unpacked; needs apt, dpkg-deb
# and Debian's archive keys. Quiet when it is there already. tests/ios and tools/swift.sh use it.
#
#   tools/install-swift-toolchain.sh [FOLDER]   default: $EDGEKIT_SWIFT_SYSROOT or ~/.cache/edgekit/swift-sysroot
set -euo pipefail
. "$(dirname "$0")/private_apt.sh"
target=${1:-${EDGEKIT_SWIFT_SYSROOT:-$HOME/.cache/edgekit/swift-sysroot}}
[ -x "$target/usr/libexec/swift/bin/swiftc" ] && exit 0

mkdir -p "$(dirname "$target")"
work=$(mktemp -d "$(dirname "$target")/.swift-XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{proc,dev,tmp,checkout}
: > "$work/status"
# Debian 13 in place of the host's sources, and nothing installed yet.
cat > "$work/sources.list" <<SOURCES
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main
SOURCES
private_apt "$work" <<CONF
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Install-Recommends "false";
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::status "$work/status";
CONF
# The C headers and libraries that Foundation's module maps and the linker need come with it.
apt-get install -qq --yes --download-only swiftlang libc6-dev libstdc++-14-dev >/dev/null
for deb in "$work"/archives/*.deb; do dpkg-deb -x "$deb" "$root"; done
# What base-files would have linked: Debian's /bin and /lib are those of /usr.
for name in bin sbin lib lib64; do [ -e "$root/$name" ] || ln -s "usr/$name" "$root/$name"; done
rm -rf "$target"
mv "$root" "$target"
echo "Swift toolchain in $target" >&2
