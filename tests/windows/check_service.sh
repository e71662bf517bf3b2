# The check of the Windows service, with Wine's own service manager. Sourced by run.
# shellcheck shell=bash

check_service() {
    local folder=$WINEPREFIX/drive_c/ProgramData/Malpan config='C:\ProgramData\Malpan\malpan-server.toml'
    local log=$folder/malpan-server.log
    rm -rf "$folder"
    # Wine ends its services with the last program that is none: this one waits for a line that does not come.
    mkfifo "$here/open"
    exec 6<>"$here/open"
    wine cmd /c 'set /p line=' <&6 >/dev/null 2>&1 6>&- &

    # While Wine still starts services of its own, a program started by hand is taken for one of them and ends in silence.
    local tries=0
    until ! exe malpan-server service run --config 'C:\x.toml' >"$here/said" 2>&1; do
        [[ ! -s $here/said ]] && ((tries++ < 10)) || fail "it runs by hand: $(<"$here/said")"
        sleep 1
    done
    grep -q "only Windows' service manager starts this" "$here/said" || fail "by hand it says: $(<"$here/said")"
    ! exe malpan-server service uninstall >"$here/said" 2>&1 || fail "a service that is not there is taken away"
    grep -q 'there is no service Malpan' "$here/said" || fail "without one it says: $(<"$here/said")"

    exe malpan-server service install >"$here/said" 2>&1 || fail "not installed: $(<"$here/said")"
    grep -q '^the service Malpan is installed' "$here/said" || fail "not installed: $(<"$here/said")"
    ! exe malpan-server service install >"$here/said" 2>&1 || fail "it is installed twice"
    grep -q 'there is a service Malpan already' "$here/said" || fail "of a second one it says: $(<"$here/said")"

    # Ports of its own, and a drain that can be told from none.
    sed -i 's/^listen = .*/listen = ["127.0.0.1:0"]/; s/^http = .*/http = "127.0.0.1:0"/; s/^#drain = .*/drain = "4s"/' \
        "$folder/malpan-server.toml"
    start_service
    [[ $(tr -d '\r' <"$log" | grep -m1 'ready line') =~ listen=([0-9.:]+)\ http=([0-9.:]+) ]] || fail "no ready line: $(<"$log")"
    listen=${BASH_REMATCH[1]} http=${BASH_REMATCH[2]}
    # The operator's commands find it by its configuration: by the named pipe, for the store is the service's.
    printf 'correct horse battery\n' | exe malpan-server account add Mina --config "$config" >"$here/said" 2>&1 ||
        fail "no account was added: $(<"$here/said")"
    grep -q 'the operator asks' "$log" || fail "it was not the service that added the account: $(<"$here/said")"
    exe malpan-server account list --config "$config" >"$here/said" 2>&1 || fail "no list: $(<"$here/said")"
    grep -q Mina "$here/said" || fail "the account is not listed: $(<"$here/said")"

    "$native/malpan" bot "$listen" --players 10 --duration 60s --no-tui >"$here/bot" 2>&1 &
    local bot=$! begun
    await_metric malpan_seats_taken 10
    begun=$SECONDS
    timeout "$PATIENCE" wine net stop Malpan >"$here/said" 2>&1 || true
    await_service STOPPED
    local took=$((SECONDS - begun))
    ((took >= 1 && took <= 7)) || fail "it took $took s to stop: $(tail -5 "$log")"
    grep -q 'asked to stop.*signal=service stop' "$log" || fail "it was not asked: $(tail -5 "$log")"
    grep -q 'counted counters=accepted' "$log" || fail "it did not end in order: $(tail -5 "$log")"
    grep -q 'SERVICE_EXIT_CODE *: 0 ' "$here/queried" || fail "$(<"$here/queried")"
    kill -INT $bot 2>/dev/null || true
    await_end $bot

    # It starts again with what it has kept, and is stopped by being taken away.
    : >"$log"
    start_service
    exe malpan-server account list --config "$config" >"$here/said" 2>&1 || fail "no list: $(<"$here/said")"
    grep -q Mina "$here/said" || fail "the account is gone: $(<"$here/said")"
    exe malpan-server service uninstall >"$here/said" 2>&1 || fail "not taken away: $(<"$here/said")"
    grep -q '^the service Malpan is gone' "$here/said" || fail "not taken away: $(<"$here/said")"
    grep -q 'counted' "$log" || fail "it was not stopped first: $(tail -5 "$log")"
    [[ -z $(service_state) && -s $folder/malpan.redb ]] || fail "the service is there still, or its store is not"

    # What is wrong is in the log, and the exit code is not 0.
    exe malpan-server service install >"$here/said" 2>&1 || fail "not installed again: $(<"$here/said")"
    sed -i 's/^listen = .*/listen = ["nonsense"]/' "$folder/malpan-server.toml"
    timeout "$PATIENCE" wine net start Malpan >"$here/said" 2>&1 || true
    await_service STOPPED
    await_line "$log" 'listen (file C:\ProgramData\Malpan\malpan-server.toml, line'
    grep -q 'SERVICE_EXIT_CODE *: 1 ' "$here/queried" || fail "$(<"$here/queried")"
    exe malpan-server service uninstall >"$here/said" 2>&1 || fail "not taken away again: $(<"$here/said")"
    ! exe malpan-server service install --config "$config" >"$here/said" 2>&1 || fail "a wrong configuration is installed"
    grep -q nonsense "$here/said" || fail "of a wrong configuration it says: $(<"$here/said")"
    note "stopped after $took s"
    printf '\n' >&6
}

# Starts the service and waits until players are awaited.
start_service() {
    timeout "$PATIENCE" wine net start Malpan >"$here/said" 2>&1 || fail "it does not start: $(<"$here/said")"
    await_service RUNNING
    await_line "$log" 'ready line='
}

# What the service manager says of the service; nothing where there is none.
service_state() {
    timeout "$PATIENCE" wine sc query Malpan 2>/dev/null | tr -d '\r' >"$here/queried" || true
    sed -n 's/^ *STATE *: [0-9]* *\([A-Z_]*\).*/\1/p' "$here/queried"
}

await_service() {
    local wanted=$1 tenths=0
    until [[ $(service_state) == "$wanted" ]]; do
        ((tenths++ < PATIENCE * 2)) || fail "the service is not $wanted: $(<"$here/queried")"
        sleep 0.1
    done
}
