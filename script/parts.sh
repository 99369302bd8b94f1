# shellcheck shell=bash
# The real programs that tests talk to. Sourced, with bash, after environment.sh.

PATH=$PATH:/usr/sbin:/sbin # where Debian keeps them, and a plain user does not look

# A command, or a file, and the Debian package that has it.
parts=(mosquitto sshd proftpd dropbear
  ceph-mon ceph-osd radosgw ceph
  apache2 htpasswd nginx php chromium)
packages=(mosquitto openssh-server proftpd-core dropbear-bin
  ceph-mon ceph-osd radosgw ceph-common
  apache2-bin apache2-utils nginx-light php-cli chromium)
files=("/usr/lib*/proftpd/mod_sftp.so" "/usr/lib*/nginx/modules/ngx_http_dav_ext_module.so"
  "/usr/share/php/Sabre/autoload.php")
file_packages=(proftpd-mod-crypto libnginx-mod-http-dav-ext "php-sabre-dav php-xml php-mbstring")

missing_packages() {
  local i
  for i in "${!parts[@]}"; do
    command -v "${parts[i]}" >/dev/null || echo "${packages[i]}"
  done
  for i in "${!files[@]}"; do
    compgen -G "${files[i]}" >/dev/null || tr ' ' '\n' <<<"${file_packages[i]}"
  done
}

# Install what is missing, where we may; else name it and fail.
ensure_parts() {
  local missing
  mapfile -t missing < <(missing_packages)
  if [ ${#missing[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ]; then
    say "Installing ${missing[*]}"
    install_packages "${missing[@]}" || say "apt could not install ${missing[*]}."
    mapfile -t missing < <(missing_packages)
  fi
  [ ${#missing[@]} -eq 0 ] ||
    fail "These packages are missing, and tests need them: ${missing[*]} (on Debian: sudo apt install ${missing[*]})."
  # sshd insists on this folder, which Debian makes when it starts the service.
  [ "$(id -u)" != 0 ] || mkdir -p -m 755 /run/sshd
}

# Without starting the services: tests start their own, on ports of their own.
install_packages() (
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt=(apt-get -qq -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3)
  # A list that can't be fetched may be one that we don't need.
  bounded 300 "${apt[@]}" update >&2 </dev/null || true
  bounded 300 "${apt[@]}" install -y --no-install-recommends "$@" >&2 </dev/null
)
