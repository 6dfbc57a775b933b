#!/bin/sh
# Makes the image in which the commands of tasks run, out of this machine and without any registry: Node.js, npm, git, Python and what a
# shell script expects, copied from installed Debian packages together with the libraries that they load. Where there is a registry,
# sandbox.Dockerfile does the same from it. Nothing is done where the image is there already and would come out the same.
#   usage: deploy/sandbox-image.sh [IMAGE]     capstan/sandbox where nothing is said
set -eu
umask 022
image=${1:-capstan/sandbox}
here=$(CDPATH= cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
user=10001
packages='base-files bash bzip2 ca-certificates coreutils curl dash diffutils file findutils gawk git grep gzip hostname jq less libc-bin libc6 make mawk
  ncurses-base openssh-client patch perl-base procps python3 python3-minimal python3.*-minimal python3.? python3.?? libpython3.*-minimal
  libpython3.*-stdlib ripgrep sed tar unzip util-linux xz-utils'

main() {
  command -v dpkg-query >/dev/null || fail "it is copied from Debian packages, and this machine has none; build deploy/sandbox.Dockerfile instead"
  docker version >/dev/null 2>&1 || fail 'no Docker Engine answers; on Debian, deploy/docker-engine.sh brings one'
  node=$(find_node)
  npm=$(find_npm)
  # shellcheck disable=SC2086
  dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\n' $packages 2>/dev/null | awk '$1 == "ii" { print $2, $3 }' | sort >"$work/packages"
  key=$({ cat "$0" "$work/packages"; "$node" --version; cat "$npm/package.json"; } | sha256sum | cut -c1-16)
  if [ "$(docker image inspect --format '{{index .Config.Labels "capstan.sandbox.key"}}' "$image" 2>/dev/null)" = "$key" ]; then
    say "$image is there already"
    return
  fi
  copy_packages
  copy_node
  copy_libraries
  add_etc
  import
}

# The pinned one; the machine's own where that is new enough, since then the pinned one was not fetched.
find_node() {
  for candidate in "$root"/tools/toolchain/node_modules/node-linux-*/bin/node "$(command -v node || true)"; do
    [ -x "$candidate" ] || continue
    case $("$candidate" --version) in v2[4-9].* | v[3-9][0-9].*) readlink -f "$candidate"; return ;; esac
  done
  fail 'there is no Node.js 24 here; npm test brings one, or: node tools/bootstrap.mjs'
}

# As npm itself is published: with its dependencies inside. Debian's own package has them elsewhere.
find_npm() {
  for candidate in "$(dirname "$(readlink -f "$(command -v npm || echo /)")")/.." /usr/lib/node_modules/npm /usr/local/lib/node_modules/npm; do
    [ ! -d "$candidate/node_modules" ] || { (CDPATH= cd "$candidate" && pwd); return; }
  done
  fail 'there is no npm here that could be copied; install one with: npm install --global npm'
}

copy_packages() {
  cut -d ' ' -f 1 "$work/packages" | xargs dpkg -L |
    grep -vE '^/usr/share/(doc|man|info|locale|lintian|bug|bash-completion|doc-base|menu|applications|gcc|gdb|zsh|fish)(/|$)' |
    # Debian lists both names of what is one folder since /bin is a link to /usr/bin.
    sed -E 's#^/(bin|sbin|lib|lib64)(/|$)#/usr/\1\2#; s#^/##' | grep . | sort -u >"$work/files"
  # Dangling or gone files are no reason to stop: they are gone from this machine as well.
  tar -C / --no-recursion --ignore-failed-read -T "$work/files" -cf - 2>/dev/null | tar -C "$at" -xf -
  for name in bin sbin lib lib64; do mkdir -p "$at/usr/$name"; ln -sfn "usr/$name" "$at/$name"; done
  mkdir -p "$at/etc/alternatives"
  for link in /etc/alternatives/*; do
    [ ! -e "$at$(readlink -f "$link")" ] || cp -P "$link" "$at/etc/alternatives/"
  done
  for link in awk pager sh; do [ ! -L "/usr/bin/$link" ] || cp -P "/usr/bin/$link" "$at/usr/bin/"; done
}

copy_node() {
  rm -rf "$at/usr/lib/node_modules"
  mkdir -p "$at/usr/lib/node_modules"
  cp -L "$node" "$at/usr/bin/node"
  cp -R "$npm" "$at/usr/lib/node_modules/npm"
  ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$at/usr/bin/npm"
  ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$at/usr/bin/npx"
}

# Every library that the loader would load for a program here, where the loader looks for it.
copy_libraries() {
  find "$at/usr" -type f \( -perm -u+x -o -name '*.so*' \) -size +4k -exec ldd {} + 2>/dev/null |
    awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\/.*ld-/ && $1 !~ /:$/ { print $1 }' | sort -u | while read -r library; do
      [ -e "$at$library" ] || { mkdir -p "$at$(dirname "$library")"; cp -L "$library" "$at$library"; }
    done
}

add_etc() {
  mkdir -p "$at/etc/ssl/certs" "$at/tmp" "$at/root" "$at/proc" "$at/sys" "$at/dev" "$at/run"
  [ ! -e /etc/ssl/certs/ca-certificates.crt ] || cp -L /etc/ssl/certs/ca-certificates.crt "$at/etc/ssl/certs/"
  printf 'root:x:0:0:root:/root:/bin/sh\nsandbox:x:%s:%s::/sandbox/home:/bin/bash\n' $user $user >"$at/etc/passwd"
  printf 'root:x:0:\nsandbox:x:%s:\n' $user >"$at/etc/group"
  echo 'hosts: files dns' >"$at/etc/nsswitch.conf"
  chmod 1777 "$at/tmp"
  # Nobody becomes anybody else in here.
  find "$at" -xdev -type f -perm /6000 -exec chmod a-s {} +
  mkdir -p "$own/sandbox/workspace" "$own/sandbox/home"
}

# The folder of the workspace is root's, so that no command can take it away; what is in it belongs to whom commands run as.
import() {
  same='--sort=name --numeric-owner'
  # shellcheck disable=SC2086
  tar $same --owner=0 --group=0 -C "$at" -cf "$work/image.tar" .
  # shellcheck disable=SC2086
  tar $same --owner=0 --group=0 --no-recursion -C "$own" -rf "$work/image.tar" ./sandbox
  # shellcheck disable=SC2086
  tar $same --owner=$user --group=$user -C "$own" -rf "$work/image.tar" ./sandbox/workspace ./sandbox/home
  set -- 'CMD ["/bin/sh"]' "USER $user:$user" 'WORKDIR /sandbox/workspace' 'ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin' \
    "LABEL capstan.sandbox.key=$key" "LABEL org.opencontainers.image.title=$image"
  for change in "$@"; do set -- "$@" --change "$change"; shift; done
  before=$(docker image inspect --format '{{.Id}}' "$image" 2>/dev/null || true)
  docker import "$@" "$work/image.tar" "$image" >/dev/null
  # What it replaces goes once nothing runs in it; until then it has no name.
  [ -z "$before" ] || docker image rm "$before" >/dev/null 2>&1 || true
  say "$image, $(docker image inspect --format '{{.Size}}' "$image" | awk '{ print int($1 / 1e6) }') MB, with Node.js $("$node" --version | tr -d v) and $(wc -l <"$work/packages") Debian packages"
}

say() { echo "sandbox-image: $*" >&2; }
fail() { say "$*"; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
at=$work/root own=$work/own
mkdir -p "$at" "$own"
main
