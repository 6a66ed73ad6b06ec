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
    printf '%s\n' "$1" | grep -Eqx -- "$2"
}

# --- before anything is changed -------------------------------------------------------------

check_answer() {
    [ -e "$ANSWER" ] || return 0
    [ -r "$ANSWER" ] || wrong "cannot be read"
    known=$(echo "$KEYS" | tr ' ' '|')
    odd=$(sed '1s/^\xef\xbb\xbf//' "$ANSWER" | tr -d '\r' |
        grep -Evn "^[[:space:]]*([#;].*|\[install\][[:space:]]*|($known)[[:space:]]*=.*)?$" | head -n 1 || true)
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
    there=$(basename "$(readlink "$OPT/current" 2>/dev/null || true)")
    there=${there#app-}
    [ -n "$there" ] && [ "$there" != "$VERSION" ] && [ -x "$OPT/current/yibao-face" ] || return 0
    newest=$(printf '%s\n%s\n' "$there" "$VERSION" | sort -V | tail -n 1)
    [ "$newest" = "$VERSION" ] || [ "${YIBAO_FACE_DOWNGRADE:-}" = 1 ] ||
        fail 2 "已安装更新的版本${there} / a newer version is here: $there; to go back: YIBAO_FACE_DOWNGRADE=1"
}

# --- the running version --------------------------------------------------------------------

has_systemd() { [ -d /run/systemd/system ]; }

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
    said=$(YIBAO_FACE_HOME=$(mktemp -d) && export YIBAO_FACE_HOME && "$new" models verify 2>&1; code=$?; rm -rf "$YIBAO_FACE_HOME"; exit $code) ||
        fail 3 "自检失败，原版本继续运行 / self-test failed, the former version stays: $said"
}

drop_older() { # this version and the one before it stay
    former=$1
    for folder in "$OPT"/app-*; do
        case $folder in "$OPT/app-$VERSION" | "$OPT/app-$former") ;; *) rm -rf "$folder" ;; esac
    done
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
    YIBAO_FACE_HOME=$DATA runuser -u "$OWNER" -- "$OPT/app-$VERSION/yibao-face" "$@" </dev/null
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
    if as_owner library config --config "$ETC/config.toml" >"$ETC/library.conf.part"; then
        chmod 644 "$ETC/library.conf.part"
        mv "$ETC/library.conf.part" "$ETC/library.conf"
    else
        rm -f "$ETC/library.conf.part"
        say "动态库设置未写入 / settings of the library were not written"
    fi
    folder=$(answer his_folder)
    built=$OPT/app-$VERSION/lib/libHisCallFace.so
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
        printf '{"LocalNetworkAccessAllowedForUrls": ["%s"]}\n' "$pages" >"$folder/yibao-face.json"
    done
}

bind_centre() { # needs the network: what fails is told and can be repeated
    code=$(answer enrol_code)
    [ -n "$code" ] || return 0
    ca=$DATA/ca-given.pem
    cp "$(answer ca_file)" "$ca" && chmod 644 "$ca"
    if as_owner link enrol --config "$ETC/config.toml" --ca "$ca" --code "$code" >&2; then
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

configure() { # FORMER version, empty where there is none
    check_answer
    restore_former
    self_test
    make_user
    mkdir -p "$ETC" "$DATA"
    decide_mode
    write_config
    own
    said=$(as_owner config --config "$ETC/config.toml" 2>&1 >/dev/null) ||
        fail 64 "设置无法使用 / the configuration cannot be used: $ETC/config.toml: $said"
    point "app-$VERSION"
    drop_older "$1"
    install_library
    write_policies
    open_port
    bind_centre
    enable
    say "已安装${VERSION} / installed; 下一步 / next: yibao-face doctor"
}

# --- taking it away -------------------------------------------------------------------------

unconfigure() { # program and what starts it; settings and records stay
    stop_service
    rm -f "$WANTS/yibao-face.service" "$WANTS/yibao-face-link.service"
    rm -rf "$SYSTEMD/yibao-face-link.service.d"
    for folder in $POLICIES; do
        rm -f "$folder/yibao-face.json"
        rmdir -p "$folder" 2>/dev/null || true
    done
    close_port
    if [ -f "$ETC/his-folder" ]; then rm -f "$(cat "$ETC/his-folder")/libHisCallFace.so"; fi
}

clear_program() {
    rm -rf "$OPT/current" "$OPT/current.new" "$OPT/.former" "$OPT/.former-version" "$OPT"/app-*
    rmdir "$OPT" 2>/dev/null || true
}

purge() { # records, settings, keys, the user
    rm -rf "$DATA" "$ETC"
    if id yibao-face >/dev/null 2>&1; then userdel yibao-face 2>/dev/null || true; fi
    getent group yibao-face >/dev/null && groupdel yibao-face 2>/dev/null || true
}
