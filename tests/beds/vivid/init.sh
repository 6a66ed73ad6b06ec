#!/bin/busybox sh
# First process of the guest: mounts the host's folders read-only and runs /job in them.
b=/bin/busybox
$b mkdir -p /proc /sys /dev /host /new
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
while read -r module; do
    case $module in
    vivid.ko | vhci-hcd.ko | uvcvideo.ko) ;; # the tests do
    *) $b insmod "/mods/$module" ;;
    esac
done </mods/list
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro host /host
$b mount -t tmpfs root /new
for folder in usr root tmp proc sys dev etc run var out mods home; do $b mkdir -p "/new/$folder"; done
for link in bin lib lib64 sbin; do $b ln -s "usr/$link" "/new/$link"; done
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 out /new/out
while read -r folder; do
    $b mkdir -p "/new$folder"
    $b mount --bind "/host$folder" "/new$folder"
done </shares
for folder in proc sys dev; do $b mount --bind "/$folder" "/new/$folder"; done
$b mkdir -p /new/dev/shm
$b mount -t tmpfs shm /new/dev/shm
$b cp -r /mods/* /new/mods/
$b cp /job /new/job
for file in passwd group nsswitch.conf ld.so.cache ld.so.conf; do
    $b cp "/host/etc/$file" /new/etc/ 2>/dev/null
done
$b cp -r /host/etc/alternatives /new/etc/
$b ip link set lo up 2>/dev/null
$b chroot /new /bin/bash /job >/new/out/log.txt 2>&1
echo $? >/new/out/code.txt
$b sync
$b poweroff -f
