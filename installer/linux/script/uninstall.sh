check_root
unconfigure
clear_program
while read -r file; do rm -f "/$file"; done <<'LIST'
@SYSTEM_FILES@
LIST
if has_systemd; then systemctl daemon-reload || true; fi
if [ "${1:-}" = --purge ]; then purge; fi
say "已卸载 / removed"
