# What installing does on a counter PC: the same functions in every maintainer script of the .deb
# and in install.sh of the archive. POSIX shell, Debian's essential programs only. VERSION and
# NEED_KB are set above.
#
# Ends with 0, 2 (this machine cannot take it), 3 (self-test failed, the former version runs on),
# 64 (wrong answer file). dpkg tells the number as "returned error exit status".

OPT=/opt/yibao-face
ETC=/etc/yibao-face
DATA=/var/lib/yibao-face
ANSWER=${YIBAO_FACE_ANSWER:-$ETC/answer.ini}
PORT=${YIBAO_FACE_PORT:-51518}
SYSTEMD=/etc/systemd/system
WANTS=$SYSTEMD/multi-user.target.wants
TIMERS=$SYSTEMD/timers.target.wants
UPDATE=$OPT/update
POLICIES="/etc/chromium/policies/managed /etc/opt/chrome/policies/managed"
KEYS="org_code centre_url enrol_code ca_file camera lan lan_host lan_port autostart firewall his_folder browser_policy user"

say() { echo "yibao-face: $*" >&2; }

fail() { # CODE TEXT
    code=$1
    shift
    say "$*"
    exit "$code"
}

wrong() { # KEY TEXT
    fail 64 "应答文件有误，未做任何改动 / wrong answer file, nothing was changed: $ANSWER: $*"
}

answer() { # KEY: its value, empty where there is none
    [ -f "$ANSWER" ] || return 0
    sed -n "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*//p" "$ANSWER" | tail -n 1 | tr -d '\r' |
        sed 's/[[:space:]]*$//'
}

matches() { # VALUE REGEX
    printf '%s\n' "$1" | grep -aEqx -- "$2"
}

# --- before anything is changed -------------------------------------------------------------

check_answer() {
    [ -e "$ANSWER" ] || return 0
    [ -f "$ANSWER" ] && [ -r "$ANSWER" ] || wrong "无法读取 / cannot be read"
    # The folder is the daemon's; what root does is not for the daemon to say.
    [ "$ANSWER" != "$ETC/answer.ini" ] || [ "$(stat -c %u "$ANSWER")" = 0 ] ||
        wrong "不属于root / is not root's: chown root $ANSWER"
    known=$(echo "$KEYS" | tr ' ' '|')
    odd=$(sed '1s/^\xef\xbb\xbf//' "$ANSWER" | tr -d '\r' |
        grep -aEvn "^[[:space:]]*([#;].*|\[install\][[:space:]]*|($known)[[:space:]]*=.*)?$" | head -n 1 || true)
    [ -z "$odd" ] || wrong "第${odd%%:*}行无法识别 / line ${odd%%:*} is not known"
    matches "$(answer org_code)" '[0-9A-Za-z]{0,20}' || wrong "org_code: 最多20位字母数字 / up to 20 letters and digits"
    matches "$(answer centre_url)" '(https://[A-Za-z0-9.-]+(:[0-9]+)?)?' || wrong "centre_url: https://host:51519"
    matches "$(answer camera)" '([a-z0-9]+:[^"\]*)?' || wrong "camera: 例如 / like uvc:0"
    matches "$(answer lan)" '(no|yes)?' || wrong "lan: yes, no"
    matches "$(answer lan_host)" '([0-9]{1,3}(\.[0-9]{1,3}){3})?' || wrong "lan_host: 本机IP，如 / like 192.168.1.9"
    matches "$(answer lan_port)" '([1-9][0-9]{0,4})?' || wrong "lan_port: 1..65535"
    matches "$(answer firewall)" '(no|yes)?' || wrong "firewall: yes, no"
    matches "$(answer autostart)" '(service|session|no|yes)?' || wrong "autostart: service, session, no"
    matches "$(answer enrol_code)" '[0-9A-Za-z._-]*' || wrong "enrol_code"
    page='https?://[A-Za-z0-9.-]+(:[0-9]+)?'
    matches "$(answer browser_policy)" "($page( *, *$page)*)?" || wrong "browser_policy: https://his.example:8443"
    check_named
}

check_named() { # what the answers name must be there
    if [ -n "$(answer enrol_code)" ]; then
        [ -n "$(answer centre_url)" ] || wrong "enrol_code 需要 / needs centre_url"
        [ -f "$(answer ca_file)" ] || wrong "ca_file: 找不到中心证书 / no such file"
    fi
    [ "$(answer lan)" != yes ] || [ -n "$(answer lan_host)" ] || wrong "lan=yes 需要 / needs lan_host"
    [ "$(answer firewall)" != yes ] || [ "$(answer lan)" = yes ] || wrong "firewall=yes 需要 / needs lan=yes"
    folder=$(answer his_folder)
    [ -z "$folder" ] || [ -d "$folder" ] || wrong "his_folder: 找不到目录 / no such folder: $folder"
    who=$(answer user)
    [ -z "$who" ] || id -- "$who" >/dev/null 2>&1 || wrong "user: 没有这个用户 / no such user: $who"
    [ "$(answer autostart)" != session ] || [ -n "$who" ] || wrong "autostart=session 需要 / needs user"
}

check_root() {
    [ "$(id -u)" = 0 ] || fail 2 "请用管理员运行 / run as root: sudo $0"
}

check_port() { # taken by another program; on Linux without any tool
    hex=$(printf '%04X' "$PORT")
    if cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -Eq "^ *[0-9]+: [0-9A-F]+:$hex [0-9A-F]+:0000 0A"; then
        fail 2 "端口${PORT}已被其他程序占用，请先关闭它 / port $PORT is taken by another program: close it first (ss -ltnp)"
    fi
}

check_space() {
    at=/opt
    [ -d "$at" ] || at=/
    free=$(df -Pk "$at" 2>/dev/null | awk 'NR == 2 { print $4 }')
    [ -z "$free" ] || [ "$free" -ge "$NEED_KB" ] ||
        fail 2 "磁盘空间不足，需要$((NEED_KB / 1024)) MB / disk full: $((NEED_KB / 1024)) MB are needed in $at"
}

check_newer() { # an updater may have gone further than the package
    there=$(version_here)
    [ -n "$there" ] && [ "$there" != "$VERSION" ] && [ -x "$OPT/current/yibao-face" ] || return 0
    newest=$(printf '%s\n%s\n' "$there" "$VERSION" | sort -V | tail -n 1)
    [ "$newest" = "$VERSION" ] || [ "${YIBAO_FACE_DOWNGRADE:-}" = 1 ] ||
        fail 2 "已安装更新的版本${there} / a newer version is here: $there; to go back: YIBAO_FACE_DOWNGRADE=1"
}

check_idle() { # the updater and a package must not both put versions in place
    [ -e "$UPDATE/update.lock" ] || return 0
    flock -n "$UPDATE/update.lock" true ||
        fail 2 "正在自动更新，请几分钟后再安装 / an update is under way: install again in a few minutes"
}

# --- the running version --------------------------------------------------------------------

has_systemd() { [ -d /run/systemd/system ]; }

hold_updates() { # from the check before a package to its end
    if has_systemd; then systemctl stop yibao-face-update.timer 2>/dev/null || true; fi
}

resume_updates() {
    [ -L "$TIMERS/yibao-face-update.timer" ] && has_systemd || return 0
    systemctl daemon-reload || true
    systemctl start yibao-face-update.timer || true
}

version_here() { # which one `current` names
    named=$(basename "$(readlink "$OPT/current" 2>/dev/null || true)")
    echo "${named#app-}"
}

stop_service() {
    if has_systemd; then systemctl stop yibao-face.service yibao-face-link.service 2>/dev/null || true; fi
}

point() { # FOLDER: `current` in one step, a power cut leaves the old link or the new one
    ln -sfn "$1" "$OPT/current.new"
    mv -T "$OPT/current.new" "$OPT/current"
}

keep_former() { # dpkg takes a version's files away: hard links keep one to go back to
    former=$1
    if [ "$former" = "$VERSION" ] || [ ! -x "$OPT/app-$former/yibao-face" ]; then return 0; fi
    rm -rf "$OPT/.former"
    if ! cp -al "$OPT/app-$former" "$OPT/.former"; then
        rm -rf "$OPT/.former"
        fail 2 "旧版本无法保留 / the former version cannot be kept"
    fi
    echo "$former" >"$OPT/.former-version"
    [ "$(readlink "$OPT/current")" != "app-$former" ] || point .former
}

restore_former() {
    [ -f "$OPT/.former-version" ] || return 0
    former=$(cat "$OPT/.former-version")
    if [ -x "$OPT/.former/yibao-face" ]; then
        rm -rf "$OPT/app-$former"
        cp -al "$OPT/.former" "$OPT/app-$former"
    fi
    [ "$(readlink "$OPT/current")" != .former ] || point "app-$former"
    rm -rf "$OPT/.former" "$OPT/.former-version"
}

self_test() {
    new=$OPT/app-$VERSION/yibao-face
    said=$("$new" --version 2>&1) || fail 3 "自检失败，原版本继续运行 / self-test failed, the former version stays: $said"
    # In a folder of its own: the networks that came along, not those of the site.
    said=$(YIBAO_FACE_HOME=$(mktemp -d) && export YIBAO_FACE_HOME && "$new" doctor --selftest 2>&1; code=$?; rm -rf "$YIBAO_FACE_HOME"; exit $code) ||
        fail 3 "自检失败，原版本继续运行 / self-test failed, the former version stays: $(troubles "$said")"
}

troubles() { # of a doctor's report: what fails, and what to do about it
    printf '%s\n' "$1" | grep -a -A 2 '^\[故障\]' || printf '%s\n' "$1"
}

drop_older() { # this version and the one before it stay
    former=$1
    # Installed again: the one before is still the one before.
    [ "$former" != "$VERSION" ] || return 0
    for folder in "$OPT"/app-*; do
        case $folder in "$OPT/app-$VERSION" | "$OPT/app-$former") ;; *) rm -rf "$folder" ;; esac
    done
}

# --- updates --------------------------------------------------------------------------------

lay_updater() { # root's alone: root runs the commands in it
    mkdir -p "$UPDATE"
    chown root: "$OPT" "$UPDATE"
    chmod 755 "$OPT" "$UPDATE"
    new=$OPT/app-$VERSION/setup/update.toml
    if [ ! -e "$UPDATE/update.toml" ]; then
        mkdir -p "$TIMERS"
        ln -sf /usr/lib/systemd/system/yibao-face-update.timer "$TIMERS/yibao-face-update.timer"
    fi
    # Edited by hand it is the site's.
    if [ ! -e "$UPDATE/update.toml" ] || cmp -s "$UPDATE/update.toml" "$UPDATE/update.toml.laid"; then
        cp "$new" "$UPDATE/update.toml.part" && mv "$UPDATE/update.toml.part" "$UPDATE/update.toml"
    fi
    cp "$new" "$UPDATE/update.toml.laid"
    trust_root
}

trust_root() { # what was believed by another vendor's root is believed no longer
    root=$UPDATE/root.json
    if [ ! -f "$root" ]; then
        say "没有厂商根证书，只能用安装包更新 / no vendor root: updates by package only"
        return 0
    fi
    if [ -f "$UPDATE/root.json.laid" ] && ! cmp -s "$root" "$UPDATE/root.json.laid"; then
        rm -rf "$UPDATE/metadata" "$UPDATE/state.json"
    fi
    cp "$root" "$UPDATE/root.json.laid"
}

hand_over() { # FORMER: the updater knows which version to go back to, and that nothing waits
    [ -n "$1" ] && [ "$1" != "$VERSION" ] || return 0
    "$OPT/app-$VERSION/yibao-face" update adopt >/dev/null ||
        say "更新记录未写入，不能用 update rollback 退回 / the updater was not told: no update rollback"
}

# --- settings -------------------------------------------------------------------------------

make_user() {
    id yibao-face >/dev/null 2>&1 ||
        useradd --system --user-group --home-dir "$DATA" --no-create-home --shell /usr/sbin/nologin yibao-face
    for group in video dialout input; do
        getent group "$group" >/dev/null && usermod -aG "$group" yibao-face || true
    done
}

as_owner() { # the program, as who will run it
    YIBAO_FACE_HOME=$DATA runuser -u "$OWNER" -- timeout 300 "$OPT/app-$VERSION/yibao-face" "$@" </dev/null
}

decide_mode() { # the answers of the first time hold until others are given
    mode=$(answer autostart)
    case $mode in
    "" | yes) mode=$(cat "$ETC/mode" 2>/dev/null || echo service) ;;
    esac
    OWNER=yibao-face
    if [ "$mode" = session ]; then
        OWNER=$(answer user)
        [ -n "$OWNER" ] || OWNER=$(stat -c %U "$DATA" 2>/dev/null || echo yibao-face)
        usermod -aG video "$OWNER" 2>/dev/null || true
    fi
}

write_config() { # once: from then on the file is the site's
    [ ! -e "$ETC/config.toml" ] || return 0
    pages=$(answer browser_policy | sed 's/ *, */", "/g')
    {
        echo "# 本机设置；安装和升级不会改动本文件 / of this machine: no upgrade changes this file"
        echo "# 全部可用的设置 / every key: yibao-face config"
        echo "data = \"$DATA\""
        printf '\n[camera]\nuri = "%s"\n' "$(answer camera)"
        printf '\n[desk]\ninstitution = "%s"\n' "$(answer org_code)"
        printf '\n[centre]\nurl = "%s"\n' "$(answer centre_url)"
        [ -z "$pages" ] || printf '\n[door]\norigins = ["%s"]\n' "$pages"
        [ "$(answer lan)" != yes ] || printf '\n[lan]\nenabled = true\nhost = "%s"\nport = %s\n' "$(answer lan_host)" "$(lan_port)"
    } >"$ETC/config.toml.part"
    mv "$ETC/config.toml.part" "$ETC/config.toml"
}

own() { # daemon and console write here, nobody else reads
    # Not in a link's place: what a user put there is not ours to give away.
    chown "$OWNER:" "$ETC" "$ETC/config.toml"
    chmod 755 "$ETC"
    chmod 640 "$ETC/config.toml"
    chmod 700 "$DATA"
    [ "$(stat -c %U "$DATA")" = "$OWNER" ] || chown -R --no-dereference "$OWNER:" "$DATA"
    [ -e "$DATA/config.toml" ] || ln -s "$ETC/config.toml" "$DATA/config.toml"
    echo "$mode" >"$ETC/mode"
    [ ! -f "$ANSWER" ] || chmod 600 "$ANSWER"
}

install_library() { # libHisCallFace.so trusts the key of this machine's daemon
    if as_owner library --config "$ETC/config.toml" config >"$ETC/library.conf.part"; then
        chmod 644 "$ETC/library.conf.part"
        mv "$ETC/library.conf.part" "$ETC/library.conf"
    else
        rm -f "$ETC/library.conf.part"
        say "动态库设置未写入 / settings of the library were not written"
    fi
    folder=$(answer his_folder)
    built=$OPT/app-$VERSION/shim/linux-x86_64/libHisCallFace.so
    if [ -n "$folder" ] && [ -f "$built" ]; then
        cp "$built" "$folder/libHisCallFace.so.part" && mv "$folder/libHisCallFace.so.part" "$folder/libHisCallFace.so"
        echo "$folder" >"$ETC/his-folder"
    fi
}

lan_port() {
    port=$(answer lan_port)
    echo "${port:-51521}"
}

open_port() { # for the libraries of other machines, where a firewall of the system runs
    [ "$(answer firewall)" = yes ] || return 0
    port=$(lan_port)
    if command -v ufw >/dev/null; then ufw allow "$port/tcp" >/dev/null || true; fi
    if command -v firewall-cmd >/dev/null; then
        firewall-cmd --permanent --add-port="$port/tcp" >/dev/null 2>&1 && firewall-cmd --reload >/dev/null 2>&1 || true
    fi
    echo "$port" >"$ETC/lan-port"
}

close_port() {
    [ -f "$ETC/lan-port" ] || return 0
    port=$(cat "$ETC/lan-port")
    matches "$port" '[0-9]{1,5}' || return 0
    if command -v ufw >/dev/null; then ufw delete allow "$port/tcp" >/dev/null || true; fi
    if command -v firewall-cmd >/dev/null; then
        firewall-cmd --permanent --remove-port="$port/tcp" >/dev/null 2>&1 && firewall-cmd --reload >/dev/null 2>&1 || true
    fi
    rm -f "$ETC/lan-port"
}

write_policies() { # browsers ask nobody before these pages call this machine
    pages=$(answer browser_policy | sed 's/ *, */", "/g')
    [ -n "$pages" ] || return 0
    for folder in $POLICIES; do
        mkdir -p "$folder"
        # Browsers of 2025 know the first name, from Chromium 146 on the second.
        printf '{"%s": ["%s"], "%s": ["%s"]}\n' LocalNetworkAccessAllowedForUrls "$pages" \
            LoopbackNetworkAllowedForUrls "$pages" >"$folder/yibao-face.json"
    done
}

bind_centre() { # needs the network: what fails is told and can be repeated
    code=$(answer enrol_code)
    [ -n "$code" ] || return 0
    ca=$DATA/ca-given.pem
    cp "$(answer ca_file)" "$ca" && chmod 644 "$ca"
    if as_owner link --config "$ETC/config.toml" enrol --ca "$ca" --code "$code" >&2; then
        # It works once, and is nobody's to read later.
        sed -i 's/^\([[:space:]]*enrol_code[[:space:]]*=\).*/\1/' "$ANSWER"
    else
        say "未能绑定中心，联网后再运行 / not bound yet, once online run: yibao-face link enrol"
    fi
    rm -f "$ca"
}

enable() {
    rm -f "$WANTS/yibao-face.service"
    if [ "$mode" = service ]; then
        mkdir -p "$WANTS"
        ln -s /usr/lib/systemd/system/yibao-face.service "$WANTS/yibao-face.service"
    elif [ "$mode" = session ]; then
        mkdir -p "$SYSTEMD/yibao-face-link.service.d"
        printf '[Service]\nUser=%s\nGroup=\n' "$OWNER" >"$SYSTEMD/yibao-face-link.service.d/owner.conf"
    fi
    has_systemd || return 0
    systemctl daemon-reload || true
    udevadm control --reload 2>/dev/null && udevadm trigger --subsystem-match=usb || true
    [ "$mode" != service ] || systemctl restart yibao-face.service ||
        say "服务未能启动 / the service did not start: journalctl -u yibao-face"
}

report() { # what is wrong with this counter, kept beside the logs; never in the way of installing
    folder=$(cat "$ETC/his-folder" 2>/dev/null || true)
    runuser -u "$OWNER" -- mkdir -p -m 700 "$DATA/logs"
    said=$(as_owner doctor --config "$ETC/config.toml" --report "$DATA/logs/install-report.json" ${folder:+--his "$folder"} 2>&1) || true
    if printf '%s\n' "$said" | grep -aq '^\[故障\]'; then
        say "已安装，但本机还有问题 / installed, but this counter needs attention:"
        troubles "$said" >&2
    fi
}

configure() {
    trap resume_updates EXIT
    check_answer
    restore_former
    there=$(version_here)
    self_test
    make_user
    mkdir -p "$ETC" "$DATA"
    decide_mode
    write_config
    own
    said=$(as_owner config --config "$ETC/config.toml" 2>&1 >/dev/null) ||
        fail 64 "设置无法使用 / the configuration cannot be used: $ETC/config.toml: $said"
    lay_updater
    hand_over "$there"
    point "app-$VERSION"
    drop_older "$there"
    install_library
    write_policies
    open_port
    bind_centre
    enable
    report
    say "已安装${VERSION} / installed; 下一步 / next: yibao-face doctor"
}

# --- taking it away -------------------------------------------------------------------------

unconfigure() { # program and what starts it; settings and records stay
    hold_updates
    has_systemd && systemctl stop yibao-face-update.service 2>/dev/null || true
    stop_service
    rm -f "$WANTS/yibao-face.service" "$WANTS/yibao-face-link.service" "$TIMERS/yibao-face-update.timer"
    rm -rf "$SYSTEMD/yibao-face-link.service.d"
    for folder in $POLICIES; do
        rm -f "$folder/yibao-face.json"
        rmdir -p "$folder" 2>/dev/null || true
    done
    close_port
    if [ -f "$ETC/his-folder" ]; then rm -f "$(cat "$ETC/his-folder")/libHisCallFace.so"; fi
}

clear_program() { # also what the updater laid; its settings stay where they were edited
    rm -rf "$OPT"/current* "$OPT/.former" "$OPT/.former-version" "$OPT"/app-*
    ! cmp -s "$UPDATE/update.toml" "$UPDATE/update.toml.laid" || rm -f "$UPDATE/update.toml"
    for file in "$UPDATE"/* "$UPDATE"/.[!.]*; do
        [ "$file" = "$UPDATE/update.toml" ] || rm -rf "$file"
    done
    rmdir "$UPDATE" "$OPT" 2>/dev/null || true
}

purge() { # records, settings, keys, the user
    rm -rf "$DATA" "$ETC" "$OPT"
    if id yibao-face >/dev/null 2>&1; then userdel yibao-face 2>/dev/null || true; fi
    getent group yibao-face >/dev/null && groupdel yibao-face 2>/dev/null || true
}
