#!/usr/bin/env bash
# Install the Debian packages that tests marked `system` and some benchmarks need. pip-installed
# edgekit needs none of them. Run it as root or as a user who may sudo; quiet when all are there.
set -euo pipefail

# One package a line: name, then who needs it.
list() {
  cat <<'PACKAGES'
libegl1               tests/shader, benchmarks: ESSL on Mesa (EGL without a display)
libegl-mesa0          tests/shader, benchmarks: Mesa's EGL
libgles2              tests/shader, benchmarks: OpenGL ES entry points
libgl1-mesa-dri       tests/shader, benchmarks: llvmpipe, the software GPU
libvulkan1            tests/shader, benchmarks: WGSL on wgpu
mesa-vulkan-drivers   tests/shader, benchmarks: lavapipe, the software Vulkan device
chromium              tests/shader, tests/preview, benchmarks: WebGL2, the preview's page
nodejs                tests/preview: the page's logic
npm                   tests/preview, edgekit preview: fetches LiteRT.js, once
g++                   tests/shader, benchmarks: MSL compiled as C++
adb                   tests/devices, bench --device PHONE: the genuine Android debug bridge
qemu-user-static      bench --device arm64, benchmarks/arm64_agreement.py: LiteRT's arm64 build here
openjdk-17-jdk-headless tests/android: javac, javap, keytool; runs the Kotlin compiler
libegl-dev            tests/android: the app's GL code on the JVM
libgles-dev           tests/android: the app's GL code on the JVM
junit4                tests/android: the Kotlin core's own tests
libhamcrest-java      tests/android: JUnit needs it
aapt                  tests/android: aapt2 links the app's resources
android-framework-res tests/android: Android's own resources to link against
proguard-cli          tests/android: Kotlin's classes as dx can read them
zipalign              tests/android: the offline APK
apksigner             tests/android: the offline APK's signature
enjarify              tests/android: the APK's dex read back as Java classes
PACKAGES
}

missing=()
while read -r package _; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  # Or by another way than Debian's: npm, say, comes with the Node.js of nodejs.org.
  [ "$status" = installed ] || command -v "$package" >/dev/null || missing+=("$package")
done < <(list)
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "Needs root to install: ${missing[*]}. Run this script as root, or install sudo." >&2
    exit 1
  }
  as_root=(sudo)
fi
echo "Installing ${missing[*]}" >&2
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
