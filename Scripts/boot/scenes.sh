# The life of the service, scene by scene. Sourced by boot-service.sh.

settings=$machine/etc/figment/config.yaml
output=/var/lib/figment/output
units=/usr/lib/systemd/system
# A small model that trains in minutes: its images do not matter here.
recipe=boot

# The process ID of the daemon; 0 while it does not run.
daemon_process() { inside systemctl show --property MainPID --value figmentd; }
is_active() { inside systemctl is-active --quiet "${1:-figmentd}"; }
journal() { inside journalctl --unit figmentd --output cat --no-pager "$@"; }

# Prints the journal of the service, to find out why a check failed.
show_journal() {
  echo "== the journal of the service"
  journal --lines 60 || true
}

# Writes the configuration, with the caller's additions from standard input.
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

# Trains as a member of the group, with further options from the caller.
train() { as ada figment train glyphs --recipe "$recipe" --epsilon 8 "$@"; }

# The state of a job.
state_of() { as ada figment show "$1" | awk '$1 == "state" { print $2 }'; }
is_state() { test "$(state_of "$1")" = "$2"; }

# Whether all folders of a release have this owner and mode, and all files the same mode without execute bits.
has_rights() {
  inside find "$1" -printf '%y %u:%g %m %p\n' > "$work/rights" || return 1
  files=$(printf '%o' $((0$3 & 0666)))
  awk -v owner="$2" -v folders="$3" -v files="$files" '
    $2 != owner || $3 != ($1 == "d" ? folders : files) { print; bad = 1 }
    END { exit bad || NR < 3 }' "$work/rights"
}

# The shipped service starts immediately, without warnings from systemd or in the journal.
first_start() {
  scene "the shipped units with the shipped configuration"
  check "systemd accepts the units without a warning" silent inside systemd-analyze verify --man=no \
    $units/figmentd.service $units/figmentd@tenant.service $units/figmentd.socket
  check "the configuration is valid" inside figment config check
  check "the service starts" inside systemctl enable --now figmentd
  eventually "it reports that it is ready" 20 is_active
  check "the journal contains no warning" silent journal --quiet --priority warning
  check "the journal contains no error of a library" no_complaint
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
  # If the machine forbids raising limits, systemd cannot apply LimitNICE= and Dispatch reports that.
  unkept=none
  inside grep -q '^Max nice priority *24 ' "/proc/$(daemon_process)/limits" || unkept='Failed to set thread priority'
  journal | grep -v "$unkept" > "$work/words"
  cat "$work/words"
  ! grep -i -e 'failed' -e 'cannot' "$work/words"
}

# Members of the group can use the service; nobody sees any of its files except the releases.
members_and_strangers() {
  scene "members of the group, and others"
  inside useradd --create-home --groups figment ada
  inside useradd --create-home eve
  check "a member of the group can use the service" as ada figment status
  refused "a stranger cannot use the service" as eve figment status
  refused "a member cannot list the state" as ada ls /var/lib/figment
  refused "a member cannot list jobs' files" as ada ls /var/lib/figment/jobs
  refused "a member cannot read the index" as ada head -c 1 /var/lib/figment/index.sqlite
}

# Images arrive, a model trains, and an ordinary member of the group reads the release.
first_release() {
  scene "images, training, release"
  sed -e 's/^name: .*/name: boot/' -e 's/batch_size: [0-9]*/batch_size: 64/' -e 's/_fakes: [0-9]*/_fakes: 64/' \
    -e 's/width: 24$/width: 4/' -e 's/generator_width: [0-9]*/generator_width: 4/' \
    "$machine/usr/share/figment/Models/dp-gan-28.yaml" > "$machine/usr/share/figment/Models/$recipe.yaml"
  mkdir -p "$machine/srv/images/glyphs"
  configure < /dev/null
  check "the changed configuration is valid" inside figment config check
  check "the service reloads it" inside systemctl reload figmentd
  "$bin/figmentd" draw-glyphs --count 600 "$machine/srv/images/drawn"
  mv "$machine"/srv/images/drawn/* "$machine/srv/images/glyphs/"
  eventually "all 600 images are found" 90 has_files 600
  check "a member can train" train --steps 20 --count 60 --watch
  check "folders of the release have mode 0750 and files 0640, in the group" has_rights "$output/glyphs-1" figment:figment 750
  check "a member can read every file of it" as ada sh -c \
    "test -s $output/glyphs-1/privacy.json && find $output/glyphs-1 -type f -exec cat {} + > /dev/null"
  refused "a stranger cannot read it" as eve cat "$output/glyphs-1/README.md"
  refused "a member cannot change it" as ada touch "$output/glyphs-1/more"
  check "a member can read the report" as ada figment report glyphs-1
  check "the ledger is intact" as ada figment ledger verify glyphs
}

has_files() { test "$(as ada figment files glyphs --verdict ok | grep -c '\.png')" -eq "$1"; }

# A killed daemon restarts by itself, and its job continues.
kill_in_training() {
  scene "a kill during training"
  check "a job is submitted" train --steps 600 --count 60
  eventually "it trains" 60 says "train " as ada figment show glyphs-2
  before=$(daemon_process)
  inside sh -c "kill -KILL $before" || true
  eventually "a new process takes over" 60 is_another_process "$before"
  eventually "the job continues and completes" 240 is_state glyphs-2 completed
  check "it was launched twice" says "launches *2" as ada figment show glyphs-2
  check "the ledger is intact" as ada figment ledger verify glyphs
}

is_another_process() { is_active && test "$(daemon_process)" != "$1"; }

# On a full disk nothing is lost, and the service answers; with free space again it works as before.
full_disk() {
  scene "a full disk"
  before=$(daemon_process)
  inside dd if=/dev/zero of=/var/lib/figment/filler bs=64k 2> /dev/null || true
  check "the service answers" as ada figment status
  train --steps 5 --count 20 --watch > "$work/full" 2>&1 &
  training=$!
  sleep 10
  check "it answers while a job waits for space" as ada figment status
  check "jobs are listed" as ada figment jobs
  inside rm -f /var/lib/figment/filler
  wait "$training" || true
  check "the messages about it are readable" in_words "$work/full"
  check "with free space again, a job completes" train --steps 5 --count 20 --watch
  check "the daemon is the same process" test "$(daemon_process)" = "$before"
  check "the ledger is intact" as ada figment ledger verify glyphs
}

# Whether a text contains no internal representation of an error.
in_words() {
  cat "$1"
  ! grep -e 'code: [0-9]' -e '(operation' -e 'DecodingError' "$1"
}

# SIGHUP adds a dataset; an invalid file changes nothing.
reload() {
  scene "reloads"
  mkdir -p "$machine/srv/images/more/a"
  cat > "$machine/etc/figment/conf.d/more.yaml" << 'SETTINGS'
datasets:
  more: {root: /srv/images/more, policy: {epsilon_max: 1, delta: 1.0e-5}}
SETTINGS
  check "a reload succeeds" inside systemctl reload figmentd
  eventually "the new dataset is there" 20 says '^more' as ada figment datasets
  echo "datasets: {more: {rot: /srv}}" > "$machine/etc/figment/conf.d/more.yaml"
  inside systemctl reload figmentd || true
  eventually "an invalid file is reported with its line" 20 says "more.yaml:1" as ada figment status
  check "the previous configuration stays in force" says '^more' as ada figment datasets
  rm "$machine/etc/figment/conf.d/more.yaml"
  check "a repaired file is accepted" inside systemctl reload figmentd
}

# Manual starts are not limited, and an invalid configuration is not retried for ever.
many_starts() {
  scene "many starts"
  check "eight manual starts in a row succeed" inside sh -c \
    'for i in 1 2 3 4 5 6 7 8; do systemctl restart figmentd || exit 1; done'
  inside systemctl stop figmentd || true
  check "a stop does not count as a failure" says "success" inside systemctl show --property Result --value figmentd
  cp "$settings" "$work/config.yaml"
  echo "sockets: {}" >> "$settings"
  refused "the service does not start with an invalid configuration" inside systemctl start figmentd
  sleep 12
  check "the start is not retried" says "NRestarts=0" inside systemctl show --property NRestarts figmentd
  check "the journal names file, line and key" says "config.yaml:[0-9]*: key 'sockets'" journal --lines 20
  cp "$work/config.yaml" "$settings"
  check "the service starts immediately with the repaired configuration" inside systemctl start figmentd
}

# Releases for another group, in a separate folder.
other_groups() {
  scene "releases for another group, in another folder"
  inside groupadd readers
  inside useradd --create-home --groups readers rita
  inside install --directory --owner figment --group readers --mode 0750 /srv/synthetic
  mkdir -p "$machine/etc/systemd/system/figmentd.service.d"
  echo 'release: {group: readers, mode: "0750"}
output: /srv/synthetic' | configure
  check "the configuration check reports that the service is not in the group" says "usermod .*readers figment" inside figment config check
  inside systemctl stop figmentd || true
  refused "the service does not start outside the group" inside systemctl start figmentd
  check "the journal reports the reason" says "usermod .*readers figment" journal --lines 10
  inside usermod --append --groups readers figment
  check "it starts as a member of the group" inside systemctl start figmentd
  check "the status reports that the output is read-only" says "/srv/synthetic" as ada figment status
  refused "a training is refused before it begins" train --steps 5 --count 20 --watch
  printf '[Service]\nReadWritePaths=/srv/synthetic\n' > "$machine/etc/systemd/system/figmentd.service.d/output.conf"
  check "a drop-in makes it writable" inside sh -c "systemctl daemon-reload && systemctl restart figmentd"
  check "a member can train" train --steps 5 --count 20 --watch
  newest=$(as ada figment jobs --state completed --quiet | tail -n 1) || true
  check "the release belongs to that group" has_rights "/srv/synthetic/$newest" figment:readers 750
  check "a reader can read it" as rita cat "/srv/synthetic/$newest/README.md"
  refused "a stranger cannot read it" as eve cat "/srv/synthetic/$newest/README.md"
}

# Releases from before the change of the output are still found.
moved_output() {
  scene "after a change of the output folder"
  check "an old job's report is found" says "$output/glyphs-1" as ada figment report glyphs-1
  configure < /dev/null
  check "the service restarts with the old output" inside systemctl restart figmentd
  check "the report of the job in the other folder is found" says "/srv/synthetic" as ada figment report "$newest"
}

# `figmentd run` beside the service does not damage its state.
run_beside_the_service() {
  scene "figmentd run beside the service"
  set -- --images /srv/images/glyphs --recipe "$recipe" --epsilon 1 --delta 1e-5 --population 600 --steps 5 --count 20
  check "root is advised to run it as the service's user" says "sudo -u figment figmentd run" \
    inside figmentd run "$@" --output /root/out
  check "nothing in the state belongs to root" silent inside find /var/lib/figment -mindepth 1 -user root
  check "the service's user may run it" inside runuser -u figment -- figmentd run "$@" --output /tmp/run \
    --state /var/lib/figment
  check "a user's own run follows the umask" as ada sh -c "umask 027 && figmentd run $* --output /home/ada/out"
  check "its release has the resulting modes" has_rights "/home/ada/out/release/$recipe" ada:ada 750
  refused "an output that cannot be written is refused" as ada figmentd run "$@" --name other --output /usr/out
  check "it is refused before anything is trained" no_run_named other
}

no_run_named() { ! inside grep -r --quiet "$1" /home/ada/.local/state/figment/ledgers; }

# The daemon uses the limits that systemd sets.
limits() {
  scene "processor and memory limits"
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
  check "a quota of one processor results in one thread" says '"threads" *: *1[,}]*$' as ada figment status --json
  check "the journal reports both limits" says "memory_limit=1992294400 threads=1" journal --lines 30
  for group in $groups; do
    test ! -e "$group/cpu.cfs_quota_us" || echo -1 > "$group/cpu.cfs_quota_us"
    test ! -e "$group/memory.limit_in_bytes" || echo -1 > "$group/memory.limit_in_bytes"
  done
  rm -f "$machine/etc/systemd/system/figmentd.service.d/limits.conf"
  check "it restarts without limits" inside sh -c "systemctl daemon-reload && systemctl restart figmentd"
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
  refused "the service does not run yet" is_active
  check "the first command starts the service" as ada figment status
  eventually "it runs" 20 is_active
  refused "a stranger cannot connect" as eve figment status
  check "socket and service stop" inside systemctl stop figmentd.socket figmentd
  check "the service starts without the socket as before" inside systemctl start figmentd
}

# A new version is installed over the old one during training.
upgrade() {
  scene "an upgrade"
  job=$(train --steps 600 --count 60) || true
  eventually "a job trains" 60 says "train " as ada figment show "$job"
  before=$(cksum < "$settings")
  check "it is installed over the old one" install_figment
  check "the administrator's configuration stays unchanged" test "$(cksum < "$settings")" = "$before"
  check "the service restarts" inside sh -c "systemctl daemon-reload && systemctl restart figmentd"
  check "the restart did not fail" says "success" inside systemctl show --property Result --value figmentd
  eventually "the job continues and completes" 240 is_state "$job" completed
  check "the ledger is intact" as ada figment ledger verify glyphs
}

# The removal leaves only the administrator's files.
removal() {
  scene "the removal"
  check "the service is disabled and stopped" inside systemctl disable --now figmentd
  check "it is removed" make --silent uninstall DESTDIR="$machine" PREFIX=/usr
  check "systemd forgets the units" inside systemctl daemon-reload
  refused "the service no longer exists" inside systemctl cat figmentd
  check "none of its files is left" silent find "$machine/usr" -iname '*figment*'
  check "configuration, releases and ledgers stay" inside sh -c \
    "test -s /etc/figment/config.yaml && test -s $output/glyphs-1/README.md && ls /var/lib/figment/ledgers/*/ledger.jsonl"
}
