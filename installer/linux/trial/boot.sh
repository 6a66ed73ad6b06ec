#!/bin/sh
# Starts the systemd of a Debian in a folder, alone with its processes, network and control groups:
# `boot.sh ROOT NAME`. Needs root. Nothing of it is left when its first process has ended.
set -eu
root=$1 name=$2
GROUPS_AT="/sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd"
if [ "${3:-}" != inside ]; then
    for at in $GROUPS_AT; do
        [ -f "$at/cgroup.procs" ] || continue
        mkdir -p "$at/$name"
        echo $$ >"$at/$name/cgroup.procs"
    done
    exec unshare --mount --pid --uts --ipc --net --cgroup --fork --kill-child -- sh "$0" "$root" "$name" inside
fi
mount -t proc none "$root/proc"
mount -t sysfs none "$root/sys"
if [ -d /sys/fs/cgroup/systemd ]; then
    mount -t tmpfs none "$root/sys/fs/cgroup"
    mkdir "$root/sys/fs/cgroup/systemd" "$root/sys/fs/cgroup/unified"
    mount -t cgroup -o none,name=systemd none "$root/sys/fs/cgroup/systemd"
    mount -t cgroup2 none "$root/sys/fs/cgroup/unified"
else
    mount -t cgroup2 none "$root/sys/fs/cgroup"
fi
mount -t tmpfs -o mode=755 none "$root/dev"
for device in null zero full random urandom tty; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 none "$root/dev/pts"
mount -t tmpfs -o mode=1777 none "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=755 none "$root/run"
ip link set lo up
# Its own name: journal and timers belong to it.
rm -f "$root/etc/machine-id"
: >"$root/etc/machine-id"
exec env -i container=room PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" \
    /lib/systemd/systemd --system --show-status=0 --unit=multi-user.target
