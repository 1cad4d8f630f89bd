#!/usr/bin/env bash
# Build a real adbd, the daemon of a phone, for this machine from Debian's source of the adb package
# (android-platform-tools; AOSP lets adbd run on a Linux host). tests/devices/test_real_adbd.py talks to
# it. About 77 MB of downloads and a minute of one core; nothing is installed, and the host's package
# lists stay as they are. Debian 12 with adb, clang-14 and dpkg-dev. Quiet when it is there already.
#
#   tools/build-adbd.sh [FILE]     default: $EDGEKIT_ADBD or ~/.cache/edgekit/adbd
set -euo pipefail
. "$(dirname "$0")/private_apt.sh"
target=${1:-${EDGEKIT_ADBD:-$HOME/.cache/edgekit/adbd}}
[ -x "$target" ] && exit 0
for program in adb clang++-14 dpkg-source apt-get; do
  command -v "$program" >/dev/null || {
    echo "$program is missing; on Debian 12: apt install adb clang-14 dpkg-dev" >&2
    exit 1
  }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/sources "$work"/objects "$work"/dev
cat > "$work/sources/debian.sources" <<SOURCES
Types: deb deb-src
URIs: http://deb.debian.org/debian
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
private_apt "$work" <<CONF
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "$work/sources";
CONF
cd "$work"
# The very source of the installed client, so that the libraries adb brought along fit.
version=$(dpkg-query -W -f '${source:Version}' adb)
apt-get source -qq --download-only "android-platform-tools=$version" >/dev/null
dpkg-source --no-check -x android-platform-tools_*.dsc source >/dev/null
apt-get download -qq android-libboringssl-dev android-libbase-dev android-libcutils-dev android-liblog-dev \
  android-platform-system-core-headers libcap-dev
for deb in *.deb; do dpkg-deb -x "$deb" dev; done

cd source/system/core
sources=(
  adb/{adb,adb_io,adb_listeners,adb_trace,adb_unique_fd,adb_utils,services,sockets,socket_spec,transport}.cpp
  adb/{transport_fd,transport_local,types,sysdeps_unix,shell_service_protocol}.cpp
  adb/fdevent/{fdevent,fdevent_poll,fdevent_epoll}.cpp adb/sysdeps/{errno,posix/network}.cpp
  adb/no_usb.cpp adb/daemon/{auth,jdwp_service,file_sync_service,services,shell_service,main}.cpp
  adb/adbconnection/adbconnection_server.cpp diagnose_usb/diagnose_usb.cpp libasyncio/AsyncIO.cpp
  ../../frameworks/native/libs/adbd_auth/adbd_auth.cpp
)
include=(-I"$work/dev/usr/include/android" -I"$work/dev/usr/include" -Iadb -Iadb/daemon/include
  -Iadb/adbconnection/include -Ibase/include -Idiagnose_usb/include -Iinclude -Ilibcrypto_utils/include
  -Ilibcutils/include -Ilibasyncio/include -I../../frameworks/native/libs/adbd_auth/include)
# ALLOW_ADBD_NO_AUTH: no key has to be accepted. The two -include are headers the sources use unnamed.
define=(-D_GNU_SOURCE -DADB_HOST=0 -DALLOW_ADBD_ROOT=1 -DALLOW_ADBD_NO_AUTH=1
  -DADB_VERSION="\"$version\"" -DPLATFORM_TOOLS_VERSION="\"$version\""
  -DANDROID_BASE_UNIQUE_FD_DISABLE_IMPLICIT_CONVERSION=1)
# A host has no USB gadget: the one function of transport_usb.cpp that transport.cpp names.
cat > adb/no_usb.cpp <<'CPP'
#include <cstdlib>
struct atransport;
struct usb_handle;
void init_usb_transport(atransport*, usb_handle*) { std::abort(); }
CPP
objects=()
for source in "${sources[@]}"; do
  object=$work/objects/${source//[\/.]/_}.o
  clang++-14 -std=gnu++2a -O1 -w "${define[@]}" "${include[@]}" -include atomic -include optional \
    -c "$source" -o "$object"
  objects+=("$object")
done
clang-14 -O1 -w "${include[@]}" -c libcrypto_utils/android_pubkey.c -o "$work/objects/pubkey.o"
libraries=/usr/lib/x86_64-linux-gnu/android
clang++-14 -o "$work/adbd" "${objects[@]}" "$work/objects/pubkey.o" -Wl,-rpath,"$libraries" \
  -L"$work/dev$libraries" -L"$libraries" -L"$work/dev/usr/lib/x86_64-linux-gnu" \
  -l:libbase.so.0 -l:libcrypto.so.0 -l:libcutils.so.0 -l:liblog.so.0 -l:libcap.so.2 -lresolv -lutil -lpthread
mkdir -p "$(dirname "$target")"
mv "$work/adbd" "$target"
echo "adbd in $target" >&2
