# How programs are started, awaited and stopped: Windows' under Wine, and the machine's own. Sourced by run and parity; `work` is
# a folder of theirs.
# shellcheck shell=bash

# How long anything may take that needs only moments.
readonly PATIENCE=60
readonly MINGW=x86_64-w64-mingw32-gcc-posix

# Builds the programs for Windows and puts them with what they need into `windows`, which it sets; `windows_build` is where their
# build lists what it made.
prepare_windows() {
    tests/windows/build
    windows_build=$(cd "${CARGO_TARGET_DIR:-target}/windows" && pwd)
    windows=$work/programs
    mkdir "$windows"
    local program
    while read -r program; do cp "$program" "$windows/"; done <"$windows_build/programs"
    "$MINGW" -O1 -shared -o "$windows/bcryptprimitives.dll" tests/windows/process_prng.c -ladvapi32
    "$MINGW" -O1 -o "$windows/console_event.exe" tests/windows/console_event.c
    # Windows looks for libraries beside the program.
    cp "$windows/bcryptprimitives.dll" "$(dirname "$(head -1 "$windows_build/unit-tests")")/"
}

# A Wine of its own, without windows, debugger, .NET and HTML.
set_up_wine() {
    export WINEPREFIX=$work/wine WINEDEBUG=-all WINEDLLOVERRIDES='winedbg.exe,mscoree,mshtml=d'
    # What a path is in Unicode depends on it.
    export LC_ALL=C.UTF-8
    unset DISPLAY
    mkdir "$WINEPREFIX"
    # It stays, so that no check pays for its start.
    wineserver --persistent
    # Not wineboot itself: the first program of a Wine has it run anyway, and a second one would have two service managers.
    timeout "$PATIENCE" wine cmd /c exit >"$work/wineboot" 2>&1 || fail "Wine does not start: $(<"$work/wineboot")"
}

tear_down_wine() {
    [[ -n ${WINEPREFIX-} ]] || return 0
    wineserver --kill 2>/dev/null || true
    # The prefix is written as it ends.
    timeout "$PATIENCE" wineserver --wait 2>/dev/null || true
}

# A path as Windows' programs want it.
windows_path() {
    local path=$1
    [[ $path == /* ]] || path=$PWD/$path
    printf 'Z:%s' "${path//\//\\}"
}

# Runs a program of `windows` by its name.
exe() {
    local program=$1
    shift
    timeout --kill-after=5 "$PATIENCE" wine "$windows/$program.exe" "$@"
}

# Starts a server, `exe` or `native`, which listens on ports of its own unless the flags say which. Sets `server`, its process,
# and `listen`, `http`; its log is $here/log.
start_server() {
    local kind=$1 command
    shift
    case $kind in
        exe) command=(wine "$windows/malpan-server.exe") ;;
        native) command=("$native/malpan-server") ;;
    esac
    [[ " $* " == *" --listen "* ]] || set -- --listen 127.0.0.1:0 "$@"
    # Opened for writing too, so that opening it waits for nobody; anew, so that nothing old is in it.
    rm -f "$here/ready"
    mkfifo "$here/ready"
    exec 3<>"$here/ready"
    "${command[@]}" --http 127.0.0.1:0 "$@" >&3 2>>"$here/log" 3>&- &
    server=$!
    local ready
    read -r -t "$PATIENCE" ready <&3 || fail "the server is not ready: $(tail -5 "$here/log")"
    exec 3>&-
    [[ ${ready%$'\r'} =~ ^ready\ listen=([0-9.:]+)\ http=([0-9.:]+)$ ]] || fail "no ready line: $ready"
    listen=${BASH_REMATCH[1]} http=${BASH_REMATCH[2]}
}

# Waits for a process of this shell to end by itself, and sets `status` to its status.
await_end() {
    local process=$1 tenths=0
    while kill -0 "$process" 2>/dev/null; do
        ((tenths++ < PATIENCE * 10)) || fail "process $process does not end"
        sleep 0.1
    done
    status=0
    wait "$process" || status=$?
}

# Waits until a file has a line with this text, in a time that a third argument may give in seconds.
await_line() {
    local file=$1 text=$2 seconds=${3:-$PATIENCE} tenths=0
    until grep -qF -- "$text" "$file" 2>/dev/null; do
        ((tenths++ < seconds * 10)) || fail "no \"$text\" in ${file##*/}: $(tail -5 "$file")"
        sleep 0.1
    done
}

# As Ctrl-C does: Wine makes the console's event of the signal. Sets `status`.
stop_server() {
    kill -INT "$server"
    await_end "$server"
    server=
}

# Runs the bot, `exe` or `native`, against $listen, and holds its report against the expressions of jq behind `--`, all of which
# have to be true. What it could not measure well on a busy machine (exit status 4) counts all the same.
play_bots() {
    local kind=$1 flags=() status=0 said bot
    shift
    while [[ $1 != -- ]]; do
        flags+=("$1")
        shift
    done
    shift
    case $kind in
        exe) bot=(wine "$windows/malpan.exe") ;;
        native) bot=("$native/malpan") ;;
    esac
    timeout "$PATIENCE" "${bot[@]}" bot "$listen" --threads 1 --json - "${flags[@]}" >"$here/report" 2>"$here/bot" || status=$?
    [[ $status -eq 0 || $status -eq 4 ]] || fail "the bot failed with status $status: $(tail -5 "$here/bot")"
    for said in "$@"; do
        jq --exit-status "$said" "$here/report" >/dev/null || fail "not so: $said; $(jq -c '[.players, .positions, .void_reasons]' "$here/report")"
    done
}

# Waits until the server says so many of a metric.
await_metric() {
    local name=$1 wanted=$2 tenths=0
    until [[ $(metric "$name") == "$wanted" ]]; do
        ((tenths++ < PATIENCE * 10)) || fail "$name does not become $wanted: it is $(metric "$name")"
        sleep 0.1
    done
}

# What a server's metric is now.
metric() {
    local name=$1
    http_get "$http" /metrics >"$here/metrics" || fail "no answer from $http"
    awk -v name="$name" '$1 == name { print $2; found = 1 } END { if (!found) print "absent" }' "$here/metrics"
}
