#!/bin/sh
# A client of ternd in the shell: curl and nothing else.
#
#     sh tern_client.sh /run/tern/tern.sock submit application/dicom image.dcm    one study; the result on standard output
#     sh tern_client.sh /run/tern/tern.sock follow position.txt                   results as lines, from where position.txt says, for ever
#
# Exit codes: 0 a result, 1 the study was refused or failed (the answer is on standard output), 2 ternd cannot be reached or the words are wrong.
set -u
usage() { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ $# -ge 3 ] || usage
path=$1 verb=$2

case $verb in
submit)
    [ $# -eq 4 ] || usage
    answer=$(mktemp) && trap 'rm -f "$answer"' EXIT
    # --retry waits as long as Retry-After says when the queue is full (503).
    status=$(curl --silent --show-error --unix-socket "$path" --retry 20 --max-time 600 --header "Content-Type: $3" --data-binary "@$4" \
        --output "$answer" --write-out '%{http_code}' 'http://tern/v1/studies?wait=1') || exit 2
    cat "$answer"
    [ "$status" = 200 ] || exit 1 ;;
follow)
    position=$3
    while :; do
        after=$(cat "$position" 2>/dev/null || echo 0)
        curl --silent --show-error --fail --no-buffer --unix-socket "$path" "http://tern/v1/findings?after=$after&follow=1" |
            while IFS= read -r line; do
                # An empty line only says that the connection lives.
                [ -n "$line" ] || continue
                printf '%s\n' "$line"
                rest=${line#*\"sequence\":}
                # Written beside, then renamed, so that a power cut leaves the old or the new.
                printf '%s\n' "${rest%%,*}" >"$position.new" && sync "$position.new" && mv "$position.new" "$position"
            done
        sleep 1
    done ;;
*) usage ;;
esac
