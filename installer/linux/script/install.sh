here=$(cd "$(dirname "$0")" && pwd)
check_root
former=$(basename "$(readlink "$OPT/current" 2>/dev/null || true)")
former=${former#app-}
check_answer
[ -n "$former" ] || check_port
check_space
check_newer
[ "$former" = "$VERSION" ] || rm -rf "$OPT/app-$VERSION"
mkdir -p "$OPT"
if ! cp -a "$here/opt" "$here/usr" "$here/etc" /; then
    [ "$former" = "$VERSION" ] || rm -rf "$OPT/app-$VERSION"
    fail 2 "复制失败，未安装 / copying failed, not installed"
fi
configure "$former"
