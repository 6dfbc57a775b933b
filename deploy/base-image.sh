#!/bin/sh
# Makes the images that everything else stands on out of this machine, where no registry is in reach: Node.js, the same with git for the
# executor, and nats-server, each with the libraries that it loads and nothing else. Where there is a registry, node:24-slim, node:24 and a
# nats image serve as well: README.md.
# Prints what Compose wants to know; what it does is said on stderr.
#   usage: deploy/base-image.sh [PREFIX] >deploy/.env
set -eu
umask 022
prefix=${1:-capstan}
here=$(CDPATH= cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
user=10001
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

main() {
  node=$(find_node)
  nats=$("$node" "$root/tools/nats-server.mjs")

  at=$work/node
  skeleton
  add "$node" /usr/bin/node
  add_names
  node_image=$prefix/node:$(version "$node")
  import "$node_image"

  executor_image=$node_image
  if command -v git >/dev/null; then
    at=$work/node-git
    skeleton
    add "$node" /usr/bin/node
    add_names
    add_git
    executor_image=$prefix/node-git:$(version "$node")
    import "$executor_image"
  else
    echo 'base-image: there is no git here, so the executor will have none; steps with "git" will say so' >&2
  fi

  at=$work/nats
  skeleton
  add "$nats" /usr/bin/nats-server
  # For the health check alone, and for a look inside.
  add "$(command -v bash)" /bin/bash
  ln -s bash "$at/bin/sh"
  install -m 755 "$here/nats/wget" "$at/usr/bin/wget"
  mkdir "$at/data"
  nats_image=$prefix/nats-server:$(version "$nats")
  import "$nats_image" 'CMD ["nats-server", "-c", "/etc/capstan/nats.conf"]' "USER $user:$user"

  printf 'BASE_IMAGE=%s\nEXECUTOR_BASE_IMAGE=%s\nNATS_IMAGE=%s\n' "$node_image" "$executor_image" "$nats_image"
}

# The pinned one; the machine's own where that is new enough, since then the pinned one was not fetched.
find_node() {
  for candidate in "$root"/tools/toolchain/node_modules/node-linux-*/bin/node "$(command -v node || true)"; do
    [ -x "$candidate" ] || continue
    case $("$candidate" --version) in v2[4-9].* | v[3-9][0-9].*) readlink -f "$candidate"; return ;; esac
  done
  echo 'base-image: there is no Node.js 24 here; npm test brings one, or: node tools/bootstrap.mjs' >&2
  return 1
}

skeleton() {
  mkdir -p "$at/bin" "$at/etc" "$at/usr/bin" "$at/tmp"
  chmod 1777 "$at/tmp"
  printf 'root:x:0:0:root:/:/sbin/nologin\ncapstan:x:%s:%s:Capstan:/tmp:/sbin/nologin\n' $user $user >"$at/etc/passwd"
  printf 'root:x:0:\ncapstan:x:%s:\n' $user >"$at/etc/group"
}

# A program and every library that the loader would load for it, each where the loader looks for it.
add() {
  mkdir -p "$at$(dirname "$2")"
  cp -L "$1" "$at$2"
  ldd "$1" | awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }' | while read -r library; do
    mkdir -p "$at$(dirname "$library")"
    [ -e "$at$library" ] || cp -L "$library" "$at$library"
  done
}

# Looking up names and checking certificates: loaded by name while a program runs, so ldd does not tell of it.
add_names() {
  libraries=$(dirname "$(ldd "$node" | awk '$1 == "libc.so.6" { print $3 }')")
  for library in "$libraries"/libnss_files.so.2 "$libraries"/libnss_dns.so.2 "$libraries"/libresolv.so.2; do
    [ ! -e "$library" ] || cp -L "$library" "$at$library"
  done
  echo 'hosts: files dns' >"$at/etc/nsswitch.conf"
  mkdir -p "$at/etc/ssl/certs"
  [ ! -e /etc/ssl/certs/ca-certificates.crt ] || cp -L /etc/ssl/certs/ca-certificates.crt "$at/etc/ssl/certs/"
}

# What cloning and pushing over HTTP and from folders take: most of git is one program under many names.
add_git() {
  core=$(git --exec-path)
  add "$(command -v git)" /usr/bin/git
  add "$core/git-remote-http" "$core/git-remote-http"
  ln -s git-remote-http "$at$core/git-remote-https"
  for name in git-upload-pack git-receive-pack; do ln -s /usr/bin/git "$at$core/$name"; done
  # Through which it starts the far end where that is a folder.
  add "$(readlink -f "$(command -v sh)")" /bin/sh
}

# Two passes of tar, so that the data folder belongs to its user although nobody here need be root.
import() {
  image=$1
  shift
  set -- "$@" 'ENV PATH=/usr/bin:/bin' "LABEL org.opencontainers.image.title=$image"
  for change in "$@"; do set -- "$@" --change "$change"; shift; done
  reproducible='--sort=name --numeric-owner --mtime=@0'
  # shellcheck disable=SC2086
  tar $reproducible --owner=0 --group=0 --exclude=./data -C "$at" -cf "$work/image.tar" .
  # shellcheck disable=SC2086
  [ ! -d "$at/data" ] || tar $reproducible --owner=$user --group=$user -C "$at" -rf "$work/image.tar" ./data
  docker import "$@" "$work/image.tar" "$image" >/dev/null
  echo "base-image: $image, $(docker image inspect --format '{{.Size}}' "$image" | awk '{ print int($1 / 1e6) }') MB" >&2
  rm -rf "$at" "$work/image.tar"
}

version() { "$1" --version | sed 's/^[^0-9]*//; s/[^0-9.].*//'; }

main
