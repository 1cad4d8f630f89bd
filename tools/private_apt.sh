# Sourced by the scripts that unpack Debian packages: apt with a state of its own, so that the host's
# architectures, sources and package lists stay as they are.

# private_apt FOLDER < SETTINGS: everything apt keeps goes into FOLDER; SETTINGS are further lines of apt.conf.
private_apt() {
  mkdir -p "$1"/lists/partial "$1"/archives/partial
  cat > "$1/apt.conf" # the settings
  cat >> "$1/apt.conf" <<CONF
APT::Sandbox::User "root";
Dir::State::lists "$1/lists";
Dir::Cache::archives "$1/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
CONF
  export APT_CONFIG=$1/apt.conf
  apt-get update -qq
}
