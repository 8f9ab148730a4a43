#!/bin/bash
# Boots a real systemd as PID 1 of new pid, mount, cgroup, ipc and uts namespaces, on a throw-away overlay of this
# machine's root. The network namespace is shared, /tmp and /run are private. Called by systemd.ts, as root:
#
#   systemd-boot.sh CGROUP STATE [HOST-DIRECTORY:DIRECTORY]...
#
# STATE becomes a tmpfs that only the namespace sees. Dies with its parent, and all of the namespace with it.
set -euo pipefail
if [ "${1:-}" != --inside ]; then
  mkdir -p "$1"
  echo $$ >"$1/cgroup.procs"
  exec setpriv --pdeathsig KILL -- unshare --pid --mount --cgroup --ipc --uts --fork --kill-child "$0" --inside "${@:2}"
fi
state=$2
shift 2
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$state"
mkdir "$state/upper" "$state/work" "$state/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$state/upper,workdir=$state/work" "$state/root"
root=$state/root
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
for pair in "$@"; do
  mkdir -p "$root${pair#*:}"
  mount --bind "${pair%%:*}" "$root${pair#*:}"
done
# nothing of this machine's own services is started, nor what would touch the kernel that is shared (sysctl, modules)
rm -rf "$root"/{etc,lib,usr/lib}/systemd/system/*.wants "$root/var/log/journal"
mkdir -p "$root/run/systemd/system" "$root/etc/systemd/journald.conf.d"
printf '[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\n' >"$root/etc/systemd/journald.conf.d/test.conf"
printf '[Unit]\nDescription=test\nRequires=systemd-journald.service\nAfter=systemd-journald.service\nAllowIsolate=yes\n' \
  >"$root/run/systemd/system/test.target"
mkdir "$root/.old"
cd "$root"
pivot_root . .old
umount -l /.old
rmdir /.old || true
# a systemd that thinks it is in a container leaves this to whoever made that; credentials are mounted through it
mount --make-rshared /
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --unit=test.target --log-target=journal-or-kmsg --show-status=no
