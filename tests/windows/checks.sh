# What has to hold of the programs for Windows. Each check is a function that fails by `fail` or by a command that fails; it has
# a folder of its own, `here`. Sourced by run.
# shellcheck shell=bash

# In the order in which they are run, and what each shows.
readonly CHECKS=(
    "unit_tests          the unit tests of the protocol, the network, the game and the server"
    "exe_serves          the .exe server serves 500 Linux bots: nothing is lost"
    "exe_plays           the Linux server serves the .exe bot: nothing is lost"
    "moves_a_piece       the .exe client moves a piece, and a Linux client sees it"
    "accounts            accounts by the named pipe, sign-in, and both after a restart"
    "comes_back          players come back to a server that was started again, from redb"
    "encrypted           TLS, by a certificate of the .exe; a plain client is told"
    "ctrl_c              Ctrl-C drains, and ends with 0"
    "console_close       a console that closes drains in its time, and ends with 0"
    "port_in_use         a second server on a port is refused, and the first serves on"
    "resets              a client that resets has disconnected, as any other"
    "names_of_files      spaces and Korean in the paths of configuration and store"
    "service             installed, started, played on, stopped and taken away by the service manager"
    "health              the .exe asks a server for its health"
    "archive             the archive for Windows: programs, completions, configuration, licences, sum"
)

check_unit_tests() {
    local tests test passed=0 lines
    mapfile -t tests <"$windows_build/unit-tests"
    [[ ${#tests[@]} -gt 0 ]] || fail "there are no tests"
    for test in "${tests[@]}"; do
        timeout --kill-after=5 300 wine "$test" --test-threads 2 >"$here/said" 2>&1 || fail "${test##*/}: $(tail -30 "$here/said")"
        # A program that crashes under Wine may end with 0.
        lines=$(grep -c '^test .* \.\.\. ok' "$here/said") || fail "${test##*/} ran no test"
        grep -q "^test result: ok. $lines passed; 0 failed" "$here/said" || fail "${test##*/}: $(tail -30 "$here/said")"
        passed=$((passed + lines))
    done
    note "$passed passed"
}

check_exe_serves() {
    # What a completion port and AFD do, Wine does in calls to a process of a single thread: 1,500 packets a second leave it room on
    # a busy machine, where ten times as many did not get through.
    start_server exe --store memory: --tick 500ms
    play_bots native --players 500 --rate 1 --duration 10s -- \
        '.players | .connected == 500 and .failed == 0 and .lost == 0' \
        '.positions | .due > 30000 and .delivered == .due and .missing == 0'
    note "$(jq -r '"\(.positions.delivered) positions, p99 \(.latency_ms.move_to_others.p99) ms"' "$here/report")"
    [[ $(metric malpan_connections_accepted_total) == 500 ]] || fail "those were not its players"
    stop_server
    [[ $status -eq 0 ]] || fail "it ended with $status"
}

check_exe_plays() {
    start_server native --store memory: --tick 500ms
    play_bots exe --players 200 --rate 1 --duration 5s -- \
        '.players | .connected == 200 and .failed == 0 and .lost == 0' \
        '.positions | .due > 6000 and .delivered == .due and .missing == 0' '.bot.system | startswith("windows")'
    note "$(jq -r '"\(.positions.delivered) positions"' "$here/report")"
}

check_moves_a_piece() {
    start_server native --store memory:
    # It looks on until it is told to quit.
    mkfifo "$here/keys"
    exec 4<>"$here/keys"
    timeout "$PATIENCE" "$native/malpan" play "$listen" --plain --name Watcher <&4 >"$here/seen" 2>&1 4>&- &
    local watcher=$!
    await_line "$here/seen" "joined room 1"
    # One of them is a step onto a free cell wherever the piece stands.
    printf '%s\n' left right up down quit | exe malpan play "$listen" --plain --name Mina --room 1 >"$here/played" 2>&1 ||
        fail "the client failed: $(tail -5 "$here/played")"
    grep -q '^moved Mina [0-9]*,[0-9]*' "$here/played" || fail "no piece moved: $(<"$here/played")"
    await_line "$here/seen" "left Mina"
    grep -q '^moved Mina [0-9]*,[0-9]*' "$here/seen" || fail "nobody saw it: $(<"$here/seen")"
    printf 'quit\n' >&4
    await_end $watcher
    note "$(grep -m1 '^moved Mina' "$here/seen")"
}

check_accounts() {
    local store
    store=redb:$(windows_path "$here/malpan.redb")
    start_server exe --store "$store"
    # By the named pipe, for the file is the server's.
    printf 'correct horse battery\n' | exe malpan-server account add Mina --store "$store" >"$here/added" 2>&1 ||
        fail "no account was added: $(<"$here/added")"
    exe malpan-server account list --store "$store" >"$here/list" 2>&1 || fail "no list: $(<"$here/list")"
    grep -q Mina "$here/list" || fail "the account is not listed: $(<"$here/list")"
    exe malpan-server notice --store "$store" "back in five minutes" >"$here/notice" 2>&1 || fail "no notice: $(<"$here/notice")"
    sign_in "correct horse battery" || fail "no sign-in: $(<"$here/played")"
    ! sign_in "battery horse correct" || fail "a wrong password signs in"
    grep -q 'wrong name or password' "$here/played" || fail "of a wrong password it says: $(<"$here/played")"
    play_bots native --scenario login:10@1 --duration 5s -- '.players.failed == 0' \
        '.scenarios[0].operations | .done > 0 and .failed == 0 and .unfinished == 0'
    stop_server
    [[ $status -eq 0 ]] || fail "it ended with $status"

    # Without the server the command opens the file itself.
    exe malpan-server account list --store "$store" >"$here/list" 2>&1 || fail "no list: $(<"$here/list")"
    grep -q Mina "$here/list" || fail "the account is gone: $(<"$here/list")"
    start_server exe --store "$store"
    sign_in "correct horse battery" || fail "no sign-in after the restart: $(<"$here/played")"
}

sign_in() {
    printf '%s\nquit\n' "$1" | exe malpan play "$listen" --plain --login Mina >"$here/played" 2>&1 &&
        grep -q "^connected $listen as Mina" "$here/played"
}

check_comes_back() {
    local store
    store=redb:$(windows_path "$here/malpan.redb")
    start_server exe --store "$store" --drain 3s
    local address=$listen
    play_bots native --scenario resume:20@0.2 --duration 12s -- \
        '.scenarios[0] | .players.connected == 20 and .players.lost == 0' \
        '.scenarios[0].operations | .done >= 20 and .failed == 0 and .unfinished == 0' &
    local bots=$!
    await_metric malpan_seats_taken 20
    stop_server
    start_server exe --store "$store" --listen "$address"
    await_end $bots
    [[ $status -eq 0 ]] || fail "the bots did not come back"
    note "$(jq -r '"\(.scenarios[0].operations.done) came back"' "$here/report")"
}

check_encrypted() {
    (cd "$here" && exe malpan-server tls dev-cert --out .) >"$here/made" 2>&1 || fail "no certificate: $(<"$here/made")"
    start_server exe --store memory: --tls-cert "$(windows_path "$here/cert.pem")" --tls-key "$(windows_path "$here/key.pem")"
    play_bots native --tls --ca "$here/ca.pem" --players 50 --duration 3s -- \
        '.players | .connected == 50 and .failed == 0 and .lost == 0' '.positions | .due > 1000 and .delivered == .due'
    printf 'quit\n' | exe malpan play "$listen" --plain --tls --ca "$(windows_path "$here/ca.pem")" >"$here/played" 2>&1 ||
        fail "the .exe client failed: $(<"$here/played")"
    grep -q '^joined room' "$here/played" || fail "the .exe client did not play: $(<"$here/played")"
    ! printf 'quit\n' | exe malpan play "$listen" --plain >"$here/played" 2>&1 || fail "a plain client is let in"
    grep -q 'this port speaks TLS' "$here/played" || fail "a plain client is not told: $(<"$here/played")"
}

check_ctrl_c() {
    start_server exe --store memory: --drain 3s
    "$native/malpan" bot "$listen" --players 10 --duration 60s >"$here/bot" 2>&1 &
    local bot=$! begun
    await_metric malpan_seats_taken 10
    begun=$SECONDS
    stop_server
    [[ $status -eq 0 ]] || fail "it ended with $status"
    ((SECONDS - begun <= 5)) || fail "it took $((SECONDS - begun)) s"
    grep -q 'asked to stop.*signal=Ctrl-C' "$here/log" || fail "it was not asked: $(tail -5 "$here/log")"
    grep -q counted "$here/log" || fail "it did not end in order: $(tail -5 "$here/log")"
    kill -INT $bot 2>/dev/null || true
    await_end $bot
}

check_console_close() {
    # It would take longer than Windows leaves it.
    start_server exe --store memory: --drain 30s
    "$native/malpan" bot "$listen" --players 10 --duration 60s >"$here/bot" 2>&1 &
    local bot=$! said
    await_metric malpan_seats_taken 10
    said=$(exe console_event malpan-server.exe 2 5000 | tr -d '\r') || fail "$said; $(tail -5 "$here/log")"
    [[ $said == "ended by itself with 0 after "* ]] || fail "$said"
    note "$said"
    await_end "$server"
    grep -q 'asked to stop.*signal=console close' "$here/log" || fail "it was not asked: $(tail -5 "$here/log")"
    grep -q counted "$here/log" || fail "it did not end in order: $(tail -5 "$here/log")"
    kill -INT $bot 2>/dev/null || true
    await_end $bot
}

check_port_in_use() {
    start_server exe --store memory:
    if exe malpan-server --listen "$listen" --http off --store memory: >"$here/second" 2>&1; then
        fail "a second server has the port"
    fi
    grep -qF "$listen" "$here/second" || fail "it does not say which port: $(<"$here/second")"
    play_bots native --players 10 --duration 2s -- '.players | .connected == 10 and .lost == 0'
    note "$(sed -n 's/^malpan-server: \(.*\); stop .*/\1/p' "$here/second")"
}

check_resets() {
    start_server exe --store memory:
    play_bots native --scenario walk:20,reset:20 --duration 5s -- \
        '.scenarios[] | select(.name == "walk") | .players.lost == 0 and .deliveries.missing == 0' \
        '.scenarios[] | select(.name == "reset") | .attack.connected > 20'
    local resets
    resets=$(jq '.scenarios[] | select(.name == "reset") | .attack.connected' "$here/report")
    note "$resets resets"
    [[ $(metric 'malpan_sessions_closed_total{reason="disconnected"}') -ge $resets ]] || fail "some count as something else: $(grep sessions_closed "$here/metrics")"
    [[ $(metric 'malpan_sessions_closed_total{reason="malformed"}') == 0 ]] || fail "some count as garbage"
    [[ $(metric malpan_accept_errors_total) == 0 ]] || fail "some could not be accepted"
    ! grep -E 'ERROR|WARN' "$here/log" || fail "the log has something to say of it: $(grep -E 'ERROR|WARN' "$here/log" | tail -3)"
}

check_names_of_files() {
    local folder="$here/말판 서버/내 게임"
    mkdir -p "$folder"
    printf '%s\n' "store = 'redb:$(windows_path "$folder/저장소 1.redb")'" '[game]' "board = \"9x9\"" >"$folder/말판 설정.toml"
    local config
    config=$(windows_path "$folder/말판 설정.toml")
    [[ $(exe malpan-server config check "$config" | tr -d '\r') == ok ]] || fail "the configuration is refused"
    start_server exe --config "$config"
    [[ -s "$folder/저장소 1.redb" ]] || fail "the store is not where it should be: $(find "$here" -name '*.redb')"
    printf 'correct horse battery\n' | exe malpan-server account add 미나 --config "$config" >"$here/added" 2>&1 ||
        fail "no account was added: $(<"$here/added")"
    printf 'quit\n' | exe malpan play "$listen" --plain --name 준호 >"$here/played" 2>&1 || fail "$(<"$here/played")"
    grep -q '^joined room .* board 9x9' "$here/played" || fail "the configuration is not read: $(<"$here/played")"
    grep -q '^you 준호' "$here/played" || fail "the name is not as given: $(<"$here/played")"
    stop_server
    [[ $status -eq 0 ]] || fail "it ended with $status"
    exe malpan-server account list --config "$config" >"$here/list" 2>&1 || fail "no list: $(<"$here/list")"
    grep -q 미나 "$here/list" || fail "the account is gone: $(<"$here/list")"
}

check_health() {
    start_server exe --store memory:
    [[ $(exe malpan-server health --http "$http" --ready | tr -d '\r') == ready ]] || fail "it does not say that it is ready"
    stop_server
    ! exe malpan-server health --http "$http" >"$here/said" 2>&1 || fail "nobody is well"
}

check_archive() {
    local archive file
    archive=$(RUNNER=wine packaging/archive x86_64-pc-windows-gnu "$windows" "$here") || fail "it cannot be packed"
    (cd "$here" && sha256sum --quiet --check ./*.sha256) || fail "its sum is wrong"
    unzip -q "$archive" -d "$here/unpacked"
    cd "$here"/unpacked/*
    for file in malpan.exe malpan-server.exe malpan.ps1 malpan-server.ps1 malpan-server.toml LICENSE-{MIT,APACHE} \
        THIRD-PARTY.txt README.md CHANGELOG.md operations.md; do
        [[ -s $file ]] || fail "it has no $file"
    done
    note "$(find . -type f | wc -l) files, $(stat --format %s "$archive" | numfmt --to=iec)"
    cp "$windows/bcryptprimitives.dll" .
    [[ $(timeout "$PATIENCE" wine malpan-server.exe config check malpan-server.toml | tr -d '\r') == ok ]] || fail "its configuration is refused"
}
