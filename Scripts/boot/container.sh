# A minimal Debian in a container with its own systemd: created once and cached, copied for each run, and booted.
# Sourced by boot-service.sh, which sets cache, work, machine and bin.

# The libraries that the release build links to and that not every Debian has; the Swift library is linked
# statically.
packages=systemd,systemd-sysv,dbus,libpng16-16,libjpeg62-turbo,libsqlite3-0,libtiff6,libwebp7,liblcms2-2,libssl3
leader=""
nspawn=""
groups=""

# Ends with the exit code for "cannot be run here".
skip() {
  echo "SKIPPED: $1. The service was not booted."
  exit 77
}

# Skips the check if no system can be booted here.
require_container() {
  test "$(id -u)" -eq 0 || skip "user $(id -u) may not boot a container (root expected)"
  for tool in debootstrap systemd-nspawn nsenter unshare; do
    command -v "$tool" > /dev/null || skip "$tool: not found (packages debootstrap and systemd-container expected)"
  done
  unshare --mount --pid --net --fork true 2> /dev/null || skip "no namespaces can be created here"
  distribution=$(. /etc/os-release && echo "$ID")
  suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  test "$distribution" = debian || skip "$distribution: the binaries need the libraries of Debian"
}

# Creates the Debian or uses the cached one, whose name identifies its packages.
make_base() {
  base=$cache/$suite-$(echo "$packages" | cksum | cut -d ' ' -f 1)
  test -d "$base" && return
  echo "== creating a minimal Debian ($suite) in $base, which is kept"
  debootstrap --variant=minbase --include="$packages" "$suite" "$work/base" > "$work/debootstrap.log" 2>&1 || {
    tail -n 5 "$work/debootstrap.log"
    skip "debootstrap failed"
  }
  rm -rf "$work"/base/var/cache/apt/archives/*.deb "$work"/base/var/lib/apt/lists/*
  mv "$work/base" "$base"
}

# Installs like an administrator or a packager.
install_figment() {
  make --silent install DESTDIR="$machine" PREFIX=/usr BIN="$bin" > "$work/install.log"
}

# Boots, and waits until the system is up.
start_container() {
  # The state has its own small file system, so that it can be filled.
  echo "tmpfs /var/lib/figment tmpfs size=400m,mode=0755 0 0" > "$machine/etc/fstab"
  echo figment-boot > "$machine/etc/hostname"
  make_groups
  (
    for group in $groups; do sh -c 'echo $PPID' > "$group/cgroup.procs"; done
    exec systemd-nspawn --quiet --directory "$machine" --boot --register=no --keep-unit --private-network \
      --link-journal=no --machine="figment-boot-$$" < /dev/null > "$work/console.log" 2>&1
  ) &
  nspawn=$!
  tries=0
  until is_up; do
    tries=$((tries + 1))
    kill -0 "$nspawn" 2> /dev/null && test "$tries" -lt 60 || {
      tail -n 20 "$work/console.log"
      skip "systemd-nspawn cannot boot a system here"
    }
    sleep 1
  done
}

# Whether the container's systemd has reached its target.
is_up() {
  leader=$(cut -d ' ' -f 1 < "/proc/$nspawn/task/$nspawn/children" 2> /dev/null) || return 1
  test -n "$leader" || return 1
  case $(inside systemctl is-system-running 2> /dev/null) in running | degraded) return 0 ;; *) return 1 ;; esac
}

# With version 1 of control groups, a container's systemd cannot set limits, so groups are created for it.
make_groups() {
  for controller in cpu memory; do
    hierarchy=/sys/fs/cgroup/$controller
    test -e "$hierarchy/cgroup.procs" || continue
    own=$(awk -F: -v name="$controller" '$2 == name { print $3 }' /proc/self/cgroup)
    group=$hierarchy${own%/}/figment-boot-$$
    mkdir "$group" 2> /dev/null && groups="$groups $group"
  done
  return 0
}

# Stops the container cleanly, or by force after a while.
stop_container() {
  if test -n "$nspawn" && kill -0 "$nspawn" 2> /dev/null; then
    kill -TERM "$nspawn" 2> /dev/null || true
    tries=0
    while kill -0 "$nspawn" 2> /dev/null && test "$tries" -lt 40; do
      tries=$((tries + 1))
      sleep 0.5
    done
    kill -KILL "$nspawn" 2> /dev/null || true
    wait "$nspawn" 2> /dev/null || true
  fi
  for group in $groups; do rmdir "$group" 2> /dev/null || true; done
}

# Runs a command in the container, as root.
inside() {
  timeout 300 nsenter --target "$leader" --mount --uts --ipc --net --pid --cgroup --root --wd -- \
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"
}

# Runs a command in the container, as one of its users.
as() {
  user=$1
  shift
  inside runuser -u "$user" -- "$@"
}
