# Sourced by scripts of tests: a page over HTTP with nothing but bash, for a machine may have no HTTP client.
# shellcheck shell=bash

# Prints the body of http://ADDRESS/PATH; fails where the status is not 200.
http_get() {
    timeout 30 bash -euo pipefail -c '
        exec 4<>"/dev/tcp/${1%:*}/${1##*:}"
        printf "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" "$2" "$1" >&4
        IFS= read -r status <&4
        [[ $status == "HTTP/1.1 200 "* ]]
        sed "1,/^\r\$/d" <&4
    ' http_get "$1" "$2"
}
