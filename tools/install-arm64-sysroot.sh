#!/usr/bin/env bash
# Make the sysroot that `--device arm64` runs in: Debian's arm64 Python 3.11 and LiteRT's arm64 wheels,
# unpacked, nothing installed on this machine. About 190 MB of downloads; a Debian 12 host (its apt
# sources are used) with apt, dpkg-deb and python3. Quiet when the sysroot is there already.
#
#   tools/install-arm64-sysroot.sh [FOLDER]     default: $EDGEKIT_ARM64_SYSROOT or ~/.cache/edgekit/arm64-sysroot
set -euo pipefail
. "$(dirname "$0")/private_apt.sh"
here=$(cd "$(dirname "$0")/.." && pwd)
target=${1:-${EDGEKIT_ARM64_SYSROOT:-$HOME/.cache/edgekit/arm64-sysroot}}
python=${PYTHON:-python3}
[ -e "$target/usr/bin/python3.11" ] && [ -d "$target/site/ai_edge_litert" ] && exit 0

debs=(libc6 libgcc-s1 libstdc++6 zlib1g libexpat1 libffi8 libbz2-1.0 liblzma5 libssl3 libsqlite3-0 libuuid1
  libcrypt1 libgomp1 python3.11-minimal libpython3.11-minimal libpython3.11-stdlib)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$work"/debs "$work"/wheels "$root"/site "$root"/proc
: > "$work/status"
private_apt "$work" <<CONF
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
Dir::State::status "$work/status";
CONF
(cd "$work/debs" && apt-get download -qq "${debs[@]}")
for deb in "$work"/debs/*.deb; do dpkg-deb -x "$deb" "$root"; done

# The same versions as on this machine, so that a difference is the architecture's.
version() { sed -n "s/^$1==//p" "$here/constraints.txt"; }
"$python" -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.11 \
  --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux_2_17_aarch64 \
  --platform manylinux2014_aarch64 --dest "$work/wheels" \
  "ai-edge-litert==$(version ai-edge-litert)" "numpy==$(version numpy)" "flatbuffers==$(version flatbuffers)" \
  "backports.strenum==$(version backports.strenum)" "protobuf==$(version protobuf)" \
  "tqdm==$(version tqdm)" "typing_extensions==$(version typing_extensions)"
for wheel in "$work"/wheels/*.whl; do "$python" -m zipfile -e "$wheel" "$root/site"; done

# LiteRT's CPU probe reads this instead of the host's; the features are those of -cpu cortex-a76.
for core in 0 1; do cat <<CPU
processor	: $core
BogoMIPS	: 48.00
Features	: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer	: 0x41
CPU architecture: 8
CPU variant	: 0x4
CPU part	: 0xd0b
CPU revision	: 0

CPU
done > "$root/proc/cpuinfo"
mkdir -p "$(dirname "$target")"
rm -rf "$target"
mv "$root" "$target"
echo "arm64 sysroot in $target" >&2
