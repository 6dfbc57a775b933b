#!/bin/sh
# Fetches nats-server out of Debian's archive into DIR, without root and without
# touching the machine's package state.  usage: nats-from-debian.sh DIR
# Says what it does on stderr only.
# The mirror is the machine's own: `apt-get indextargets` reads one-line .list
# files and deb822 .sources files alike and needs neither root nor fresh lists.
set -eu
dir=$1 min=2.12.5
version=2.15.1-1
helper=/usr/lib/apt/apt-helper
for tool in apt-get dpkg dpkg-deb "$helper"; do
  command -v "$tool" >/dev/null 2>&1 || { echo "no $tool: not a Debian-like system" >&2; exit 3; }
done
arch=$(dpkg --print-architecture)
case $arch in # sha256 of the package, from the signed index of the suite
  amd64) sum=31ef4ceaa84e8248d449e508472e3770c17c3695cb5cb0ee96e03912724ea884 ;;
  *) sum= ;;
esac
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
mkdir -p "$dir"
# main archives only: a security archive has another layout, other distributions have no sid.
# --no-release-info: also lists sources that were never updated (empty /var/lib/apt/lists).
# Cloud images name a file of mirrors (mirror+file:/etc/apt/mirrors/debian.list) instead of a URI.
mirrors=$(apt-get indextargets --no-release-info --format '$(REPO_URI)' 'Created-By: Packages' | sort -u |
  while IFS= read -r uri; do
    case $uri in mirror+file:*) f=${uri#mirror+file:}; sed -n 's/^\([a-z]*:[^ \t]*\).*/\1/p' "${f%/}" ;; *) echo "$uri" ;; esac
  done | grep -E '^https?://.*/debian/?$' || true)
[ -n "$mirrors" ] || { echo "no Debian mirror among the apt sources" >&2; exit 4; }

install_deb() {
  dpkg-deb -x "$1" "$tmp/x"
  "$tmp/x/usr/sbin/nats-server" --version >&2 # started once: its libc may be newer than this machine's
  mv -f "$tmp/x/usr/sbin/nats-server" "$dir/nats-server.$$" && mv -f "$dir/nats-server.$$" "$dir/nats-server"
}

# 1. the pinned package straight out of the pool, verified by its own checksum
if [ -n "$sum" ]; then
  for uri in $mirrors; do
    deb="$tmp/nats.deb"
    if timeout 60 "$helper" -q=2 -o Acquire::Retries=2 -o Acquire::http::Timeout=15 -o Acquire::https::Timeout=15 \
        download-file "${uri%/}/pool/main/n/nats-server/nats-server_${version}_${arch}.deb" "$deb" "SHA256:$sum" >"$tmp/log" 2>&1; then
      install_deb "$deb"; exit 0
    fi
  done
fi

# 2. whatever the unstable suite has now, verified by the archive's signature
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
for uri in $mirrors; do
  mkdir -p "$tmp/state/lists/partial" "$tmp/cache/archives/partial"; : >"$tmp/status"
  echo "deb [signed-by=$keyring] $uri sid main" >"$tmp/sources.list"
  apt="-q=2 -o Dir::Etc::sourcelist=$tmp/sources.list -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null -o Dir::State=$tmp/state -o Dir::State::status=$tmp/status -o Dir::Cache=$tmp/cache -o APT::Sandbox::User=  -o Acquire::Languages=none -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false -o Acquire::Retries=2 -o Acquire::http::Timeout=15 -o Debug::NoLocking=true"
  if (timeout 180 apt-get $apt update && cd "$tmp" && timeout 120 apt-get $apt download nats-server) >"$tmp/log" 2>&1; then
    deb=$(ls "$tmp"/nats-server_*.deb)
    v=$(dpkg-deb -f "$deb" Version)
    dpkg --compare-versions "$v" ge "$min" || { echo "sid has $v, older than $min" >&2; exit 5; }
    install_deb "$deb"; exit 0
  fi
done
tail -n 5 "$tmp/log" >&2
exit 6
