here=$(cd "$(dirname "$0")" && pwd)
check_root
command -v xz >/dev/null || fail 2 "缺少xz，请先安装 / xz is missing: install xz-utils first"
former=$(version_here)
check_answer
check_idle
[ -n "$former" ] || check_port
check_space
check_newer
trap resume_updates EXIT
hold_updates
[ "$former" = "$VERSION" ] || rm -rf "$OPT/app-$VERSION"
mkdir -p "$OPT"
if ! tar -xJf "$here/files.tar.xz" --keep-directory-symlink --no-overwrite-dir -C /; then
    [ "$former" = "$VERSION" ] || rm -rf "$OPT/app-$VERSION"
    fail 2 "解压失败，未安装 / unpacking failed, not installed"
fi
configure
