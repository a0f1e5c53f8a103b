# The life of the service, scene by scene. Sourced by boot-service.sh.

settings=$machine/etc/figment/config.yaml
output=/var/lib/figment/output
units=/usr/lib/systemd/system
# A small model, so that minutes are enough: its images do not matter here.
recipe=boot

# The number of the daemon's process; 0 while it does not run.
daemon_process() { inside systemctl show --property MainPID --value figmentd; }
is_active() { inside systemctl is-active --quiet "${1:-figmentd}"; }
journal() { inside journalctl --unit figmentd --output cat --no-pager "$@"; }

# The journal of the service, for whoever must find out why a check failed.
show_journal() {
  echo "== the journal of the service"
  journal --lines 60 || true
}

# Begins the configuration: what a caller adds on standard input follows.
configure() {
  {
    printf 'socket: {group: figment, mode: "0660"}\n'
    cat
    cat << SETTINGS
datasets:
  glyphs:
    root: /srv/images/glyphs
    settle: 1
    classes: [arrow, circle, crescent, cross, ring, square, star, triangle]
    population: 600
    policy: {epsilon_max: 1000, delta: 1.0e-5}
SETTINGS
  } > "$settings"
}

# Trains as a member of the group; the rest of the options is the caller's.
train() { as ada figment train glyphs --recipe "$recipe" --epsilon 8 "$@"; }

# The state of a job.
state_of() { as ada figment show "$1" | awk '$1 == "state" { print $2 }'; }
is_state() { test "$(state_of "$1")" = "$2"; }

# Whether all folders of a release have this owner and mode, and all files the same without the right to search.
has_rights() {
  inside find "$1" -printf '%y %u:%g %m %p\n' > "$work/rights" || return 1
  files=$(printf '%o' $((0$3 & 0666)))
  awk -v owner="$2" -v folders="$3" -v files="$files" '
    $2 != owner || $3 != ($1 == "d" ? folders : files) { print; bad = 1 }
    END { exit bad || NR < 3 }' "$work/rights"
}

# The service as it is shipped starts at once, and systemd and journal have nothing to say against it.
first_start() {
  scene "the shipped units with the shipped configuration"
  check "systemd reads the units without a remark" silent inside systemd-analyze verify --man=no \
    $units/figmentd.service $units/figmentd@tenant.service $units/figmentd.socket
  check "the configuration is valid" inside figment config check
  check "the service starts" inside systemctl enable --now figmentd
  eventually "it says that it is ready" 20 is_active
  check "the journal holds no warning" silent journal --quiet --priority warning
  check "the journal holds no complaint of a library" no_complaint
  check "the socket belongs to the group" says "figment:figment 660" inside stat --format '%U:%G %a' \
    /run/figment/control.sock
}

# Whether a command prints nothing.
silent() {
  "$@" > "$work/words" 2>&1
  cat "$work/words"
  ! test -s "$work/words"
}

no_complaint() {
  # Where the machine lets nobody raise limits, systemd cannot keep LimitNICE= and Dispatch complains of it.
  unkept=none
  inside grep -q '^Max nice priority *24 ' "/proc/$(daemon_process)/limits" || unkept='Failed to set thread priority'
  journal | grep -v "$unkept" > "$work/words"
  cat "$work/words"
  ! grep -i -e 'failed' -e 'cannot' "$work/words"
}

# Who is in the group uses the service; nobody sees more of its files than the releases.
members_and_strangers() {
  scene "members of the group, and others"
  inside useradd --create-home --groups figment ada
  inside useradd --create-home eve
  check "a member of the group uses the service" as ada figment status
  refused "a stranger does not" as eve figment status
  refused "a member cannot list the state" as ada ls /var/lib/figment
  refused "a member cannot look into jobs" as ada ls /var/lib/figment/jobs
  refused "a member cannot read the index" as ada head -c 1 /var/lib/figment/index.sqlite
}

# Images drop in, a model trains, and an ordinary member of the group reads what comes of it.
first_release() {
  scene "images, a training, a release"
  sed -e 's/^name: .*/name: boot/' -e 's/batch_size: 512/batch_size: 64/' -e 's/width: 24$/width: 4/' \
    "$machine/usr/share/figment/Models/dp-gan-28.yaml" > "$machine/usr/share/figment/Models/$recipe.yaml"
  mkdir -p "$machine/srv/images/glyphs"
  configure < /dev/null
  check "the changed configuration is valid" inside figment config check
  check "the service reloads it" inside systemctl reload figmentd
  "$bin/figmentd" draw-glyphs --count 600 "$machine/srv/images/drawn"
  mv "$machine"/srv/images/drawn/* "$machine/srv/images/glyphs/"
  eventually "all 600 images are found" 90 has_files 600
  check "a member trains" train --steps 20 --count 60 --watch
  check "folders of the release are 0750, files 0640, of the group" has_rights "$output/glyphs-1" figment:figment 750
  check "a member reads every file of it" as ada sh -c \
    "test -s $output/glyphs-1/privacy.json && find $output/glyphs-1 -type f -exec cat {} + > /dev/null"
  refused "a stranger reads nothing of it" as eve cat "$output/glyphs-1/README.md"
  refused "a member changes nothing in it" as ada touch "$output/glyphs-1/more"
  check "a member reads the report" as ada figment report glyphs-1
  check "the ledger is intact" as ada figment ledger verify glyphs
}

has_files() { test "$(as ada figment files glyphs --verdict ok | grep -c '\.png')" -eq "$1"; }

# A daemon that is killed comes back by itself, and its job goes on.
kill_in_training() {
  scene "killed in the middle of a training"
  check "a job is submitted" train --steps 600 --count 60
  eventually "it trains" 60 says "train " as ada figment show glyphs-2
  before=$(daemon_process)
  inside sh -c "kill -KILL $before" || true
  eventually "another process takes over" 60 is_another_process "$before"
  eventually "the job goes on to its end" 240 is_state glyphs-2 completed
  check "it was launched twice" says "launches *2" as ada figment show glyphs-2
  check "the ledger is intact" as ada figment ledger verify glyphs
}

is_another_process() { is_active && test "$(daemon_process)" != "$1"; }

# On a full disk nothing is lost, and the service answers; with room again it works as before.
full_disk() {
  scene "a full disk"
  before=$(daemon_process)
  inside dd if=/dev/zero of=/var/lib/figment/filler bs=64k 2> /dev/null || true
  check "the service answers" as ada figment status
  train --steps 5 --count 20 --watch > "$work/full" 2>&1 &
  training=$!
  sleep 10
  check "it answers while a job wants room" as ada figment status
  check "jobs are listed" as ada figment jobs
  inside rm -f /var/lib/figment/filler
  wait "$training" || true
  check "what was said about it is in words" in_words "$work/full"
  check "with room again a job completes" train --steps 5 --count 20 --watch
  check "the daemon is the same process" test "$(daemon_process)" = "$before"
  check "the ledger is intact" as ada figment ledger verify glyphs
}

# Whether a text shows nothing of how errors are called in the program.
in_words() {
  cat "$1"
  ! grep -e 'code: [0-9]' -e '(operation' -e 'DecodingError' "$1"
}

# SIGHUP adds a dataset; a broken file changes nothing.
reload() {
  scene "reloads"
  mkdir -p "$machine/srv/images/more/a"
  cat > "$machine/etc/figment/conf.d/more.yaml" << 'SETTINGS'
datasets:
  more: {root: /srv/images/more, policy: {epsilon_max: 1, delta: 1.0e-5}}
SETTINGS
  check "a reload succeeds" inside systemctl reload figmentd
  eventually "a dataset more is there" 20 says '^more' as ada figment datasets
  echo "datasets: {more: {rot: /srv}}" > "$machine/etc/figment/conf.d/more.yaml"
  inside systemctl reload figmentd || true
  eventually "a broken file is reported with its line" 20 says "more.yaml:1" as ada figment status
  check "what held before holds" says '^more' as ada figment datasets
  rm "$machine/etc/figment/conf.d/more.yaml"
  check "a mended file is taken" inside systemctl reload figmentd
}

# Nobody is locked out by starting it, and a wrong configuration is not tried for ever.
many_starts() {
  scene "many starts"
  check "eight starts by hand in a row" inside sh -c \
    'for i in 1 2 3 4 5 6 7 8; do systemctl restart figmentd || exit 1; done'
  inside systemctl stop figmentd || true
  check "a stop is no failure" says "success" inside systemctl show --property Result --value figmentd
  cp "$settings" "$work/config.yaml"
  echo "sockets: {}" >> "$settings"
  refused "a wrong configuration does not start" inside systemctl start figmentd
  sleep 12
  check "it is not tried again" says "NRestarts=0" inside systemctl show --property NRestarts figmentd
  check "the journal names file, line and key" says "config.yaml:[0-9]*: key 'sockets'" journal --lines 20
  cp "$work/config.yaml" "$settings"
  check "the repaired one starts at once" inside systemctl start figmentd
}

# Releases for another group, in a folder of their own.
other_groups() {
  scene "releases for another group, elsewhere"
  inside groupadd readers
  inside useradd --create-home --groups readers rita
  inside install --directory --owner figment --group readers --mode 0750 /srv/synthetic
  mkdir -p "$machine/etc/systemd/system/figmentd.service.d"
  echo 'release: {group: readers, mode: "0750"}
output: /srv/synthetic' | configure
  check "the check says that the service is not in the group" says "usermod .*readers figment" inside figment config check
  inside systemctl stop figmentd || true
  refused "the service does not start without" inside systemctl start figmentd
  check "and says why" says "usermod .*readers figment" journal --lines 10
  inside usermod --append --groups readers figment
  check "it starts when it is in the group" inside systemctl start figmentd
  check "the output is read-only for it, and the status says so" says "/srv/synthetic" as ada figment status
  refused "a training is refused before it begins" train --steps 5 --count 20 --watch
  printf '[Service]\nReadWritePaths=/srv/synthetic\n' > "$machine/etc/systemd/system/figmentd.service.d/output.conf"
  check "a drop-in opens it" inside sh -c "systemctl daemon-reload && systemctl restart figmentd"
  check "a member trains" train --steps 5 --count 20 --watch
  newest=$(as ada figment jobs --state completed --quiet | tail -n 1) || true
  check "the release is for that group" has_rights "/srv/synthetic/$newest" figment:readers 750
  check "a reader reads it" as rita cat "/srv/synthetic/$newest/README.md"
  refused "a stranger does not" as eve cat "/srv/synthetic/$newest/README.md"
}

# What was released before the output changed is still found.
moved_output() {
  scene "after a change of the output"
  check "an old job's report is found" says "$output/glyphs-1" as ada figment report glyphs-1
  configure < /dev/null
  check "the service restarts with the old output" inside systemctl restart figmentd
  check "the report of the job in the other one is found" says "/srv/synthetic" as ada figment report "$newest"
}

# `figmentd run` beside the service does not spoil its state.
run_beside_the_service() {
  scene "figmentd run beside the service"
  set -- --images /srv/images/glyphs --recipe "$recipe" --epsilon 1 --delta 1e-5 --population 600 --steps 5 --count 20
  check "root is told to run it as the service's user" says "sudo -u figment figmentd run" \
    inside figmentd run "$@" --output /root/out
  check "nothing in the state belongs to root" silent inside find /var/lib/figment -mindepth 1 -user root
  check "the service's user may run it" inside runuser -u figment -- figmentd run "$@" --output /tmp/run \
    --state /var/lib/figment
  check "a user's own run follows the umask" as ada sh -c "umask 027 && figmentd run $* --output /home/ada/out"
  check "so its release has those rights" has_rights "/home/ada/out/release/$recipe" ada:ada 750
  refused "an output that cannot be written is refused" as ada figmentd run "$@" --name other --output /usr/out
  check "before anything is trained" no_run_named other
}

no_run_named() { ! inside grep -r --quiet "$1" /home/ada/.local/state/figment/ledgers; }

# What systemd grants is what the daemon takes.
limits() {
  scene "limits of processor and memory"
  if test -n "$groups"; then
    for group in $groups; do
      test ! -e "$group/cpu.cfs_quota_us" || echo 100000 > "$group/cpu.cfs_quota_us"
      test ! -e "$group/memory.limit_in_bytes" || echo 1900M > "$group/memory.limit_in_bytes"
    done
    inside systemctl restart figmentd || true
  else
    printf '[Service]\nCPUQuota=100%%\nMemoryHigh=1900M\n' > "$machine/etc/systemd/system/figmentd.service.d/limits.conf"
    inside sh -c "systemctl daemon-reload && systemctl restart figmentd" || true
  fi
  check "one processor's share gives one thread" says '"threads" *: *1[,}]*$' as ada figment status --json
  check "the journal tells both limits" says "memory_limit=1992294400 threads=1" journal --lines 30
  for group in $groups; do
    test ! -e "$group/cpu.cfs_quota_us" || echo -1 > "$group/cpu.cfs_quota_us"
    test ! -e "$group/memory.limit_in_bytes" || echo -1 > "$group/memory.limit_in_bytes"
  done
  rm -f "$machine/etc/systemd/system/figmentd.service.d/limits.conf"
  check "without limits it restarts" inside sh -c "systemctl daemon-reload && systemctl restart figmentd"
}

# The template for tenants, and the socket that starts the service.
other_units() {
  scene "the other units"
  mkdir -p "$machine/etc/figment/radiology"
  echo 'socket: {group: figment}' > "$machine/etc/figment/radiology/config.yaml"
  check "a tenant's service starts" inside systemctl start figmentd@radiology
  check "it answers on its own socket" as ada env FIGMENT_SOCKET=/run/figment/radiology/control.sock figment status
  check "the first service answers too" as ada figment status
  check "both stop" inside systemctl stop figmentd@radiology figmentd
  check "the socket listens without the service" inside systemctl start figmentd.socket
  refused "which does not run" is_active
  check "the first command starts it" as ada figment status
  eventually "it runs" 20 is_active
  refused "a stranger cannot connect" as eve figment status
  check "socket and service stop" inside systemctl stop figmentd.socket figmentd
  check "without the socket it starts as before" inside systemctl start figmentd
}

# A new version over the old one, in the middle of a training.
upgrade() {
  scene "an upgrade"
  job=$(train --steps 600 --count 60) || true
  eventually "a job trains" 60 says "train " as ada figment show "$job"
  before=$(cksum < "$settings")
  check "it is installed over the old one" install_figment
  check "the configuration is the administrator's" test "$(cksum < "$settings")" = "$before"
  check "the service restarts" inside sh -c "systemctl daemon-reload && systemctl restart figmentd"
  check "without a failure" says "success" inside systemctl show --property Result --value figmentd
  eventually "the job goes on to its end" 240 is_state "$job" completed
  check "the ledger is intact" as ada figment ledger verify glyphs
}

# The removal leaves what is the administrator's, and nothing else.
removal() {
  scene "the removal"
  check "the service is disabled and stopped" inside systemctl disable --now figmentd
  check "it is removed" make --silent uninstall DESTDIR="$machine" PREFIX=/usr
  check "systemd forgets the units" inside systemctl daemon-reload
  refused "there is no such service" inside systemctl cat figmentd
  check "no file of it is left" silent find "$machine/usr" -iname '*figment*'
  check "configuration, releases and ledgers stay" inside sh -c \
    "test -s /etc/figment/config.yaml && test -s $output/glyphs-1/README.md && ls /var/lib/figment/ledgers/*/ledger.jsonl"
}
