#!/usr/bin/env bash
# Run a tool of the unpacked Swift toolchain: this checkout is /work inside, FOLDER is /tmp.
#
#   tools/swift.sh FOLDER TOOL ARGUMENT…      for example: tools/swift.sh "$(mktemp -d)" swift-test --help
set -euo pipefail
repository=$(cd "$(dirname "$0")/.." && pwd)
sysroot=${EDGEKIT_SWIFT_SYSROOT:-$HOME/.cache/edgekit/swift-sysroot}
folder=$(cd "$1" && pwd)
tool=/usr/libexec/swift/bin/$2
shift 2
[ -x "$sysroot$tool" ] || {
  echo "There is no $tool in $sysroot; run tools/install-swift-toolchain.sh." >&2
  exit 3
}
# A mount namespace of its own: nothing is left mounted. Without root, a user namespace makes it possible.
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(--user --map-root-user)
inside='
set -eu
mount --rbind /proc "$1/proc"
mount --rbind /dev "$1/dev"
mount --bind "$2" "$1/work"
mount --bind "$3" "$1/tmp"
root=$1
shift 3
export LD_LIBRARY_PATH=/usr/libexec/swift/lib/swift/linux PATH=/usr/libexec/swift/bin:/usr/bin:/usr/sbin:/bin HOME=/tmp
exec chroot "$root" "$@"
'
exec unshare "${as_root[@]}" --mount sh -c "$inside" sh "$sysroot" "$repository" "$folder" "$tool" "$@"
