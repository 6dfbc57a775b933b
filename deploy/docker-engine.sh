#!/bin/sh
# Makes a Docker Engine answer on a Debian machine where none does, for CI: installs it with Compose, starts dockerd in the background.
# Never fails whoever calls it: the last line on stderr says what there is now, and why not where there is none.
# It is no way to run an engine for good: dockerd has no supervisor here.
#   usage: deploy/docker-engine.sh          log and process id: .cache/docker-engine/
set -u
cache=$(CDPATH= cd "$(dirname "$0")/.." && pwd)/.cache/docker-engine
log=$cache/dockerd.log

main() {
  mkdir -p "$cache"
  if answers && have_compose; then say "$(engine) answered already"; return; fi
  can_install || return
  install_missing || return
  # Where systemd runs, installing has started it.
  if answers || waited 5; then say "$(engine) answers"; return; fi
  start_engine
}

can_install() {
  here='no Docker Engine answers'
  ! answers || here="$(engine) answers, without Compose"
  [ "$(id -u)" = 0 ] || { say "$here, and only root can install what is missing"; return 1; }
  command -v apt-get >/dev/null || { say "$here, and this is no Debian-like system to install what is missing on"; return 1; }
}

install_missing() {
  missing=
  command -v dockerd >/dev/null || answers || missing='docker.io iptables'
  have_compose || missing="$missing docker-compose"
  [ -n "$missing" ] || return 0
  export DEBIAN_FRONTEND=noninteractive
  say "installing $missing"
  timeout 120 apt-get -q update >"$cache/apt.log" 2>&1 || say 'apt-get update failed; trying with the lists that are here'
  # From Debian 13 on the client is a package of its own, which docker.io only recommends.
  command -v docker >/dev/null || ! apt-cache show docker-cli >/dev/null 2>&1 || missing="$missing docker-cli"
  # shellcheck disable=SC2086
  timeout 300 apt-get -q -y -o DPkg::Lock::Timeout=120 install --no-install-recommends $missing >>"$cache/apt.log" 2>&1 && return 0
  say "no Docker Engine: installing failed: $(grep -E '^(E|W):' "$cache/apt.log" | tail -n 1), all of it in $cache/apt.log"
  return 1
}

# From the best to what still runs containers where a machine refuses something. There is no rung without iptables: such an engine starts,
# but containers do not find each other by name in it (20.10), so that everything which needs one would fail instead of being skipped.
start_engine() {
  legacy=$cache/legacy
  mkdir -p "$legacy"
  for name in iptables ip6tables; do
    [ ! -x "/usr/sbin/$name-legacy" ] || ln -sf "/usr/sbin/$name-legacy" "$legacy/$name"
  done
  : >"$log"
  try 'as it comes' "$PATH" && return
  try 'with legacy iptables' "$legacy:$PATH" && return
  try 'on the vfs storage driver' "$PATH" --storage-driver=vfs && return
  say "no Docker Engine: dockerd does not start here: $(reason), all of it in $log"
}

try() {
  how=$1 path=$2
  shift 2
  printf '=== dockerd %s\n' "$*" >>"$log"
  # After a crash the number in it may be another process's by now, which dockerd would take for itself.
  grep -q dockerd "/proc/$(cat /var/run/docker.pid 2>/dev/null)/comm" 2>/dev/null || rm -f /var/run/docker.pid
  # A session of its own, and nothing of the caller's kept open: a CI that waits for its pipes to close must not wait for this.
  PATH=$path setsid dockerd "$@" </dev/null >>"$log" 2>&1 &
  pid=$!
  echo "$pid" >"$cache/pid"
  if waited 30; then say "$(engine) started $how, process $pid"; return 0; fi
  kill "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  return 1
}

# Until it answers, for some seconds; ends early where the dockerd that was started is gone.
waited() {
  tries=$(($1 * 5))
  while [ "$tries" -gt 0 ]; do
    answers && return 0
    [ -z "${pid:-}" ] || kill -0 "$pid" 2>/dev/null || return 1
    [ -n "${pid:-}" ] || [ -d /run/systemd/system ] || return 1
    sleep 0.2
    tries=$((tries - 1))
  done
  return 1
}

answers() { timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }
have_compose() { docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null; }
engine() { echo "Docker Engine $(docker version --format '{{.Server.Version}}' 2>/dev/null)"; }
reason() { grep -v '^===' "$log" | grep -iE 'fail|error|denied|not permitted' | tail -n 1 | grep . || echo 'it does not say why'; }
say() { echo "docker-engine: $*" >&2; }

main
exit 0
