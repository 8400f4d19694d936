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
answer=$(mktemp) && trap 'rm -f "$answer" "$answer.head"' EXIT

# One request: the status on standard output, the body in $answer, the header in $answer.head.
ask() {
    : >"$answer"
    curl --silent --show-error --unix-socket "$path" --max-time 600 --dump-header "$answer.head" --output "$answer" --write-out '%{http_code}' "$@"
}
# A text, and a number, of the JSON object in $answer.
text() { sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p' "$answer" | head -n 1; }
number() { sed -n 's/.*"'"$1"'":\([0-9]*\).*/\1/p' "$answer" | head -n 1; }

# The result of a study that is accepted: it comes under this id, if need be after the next start, and the study is not to be sent again.
accepted() {
    left=600
    while status=$(ask "http://tern/v1/findings/$1" 2>/dev/null) || status=none; do
        case $status in none | 000 | 202 | 503) ;; *) return ;; esac
        left=$((left - 1))
        [ $left -gt 0 ] || { echo "the study is accepted as $1 and has no result yet" >&2; exit 2; }
        sleep 1
    done
}

case $verb in
submit)
    [ $# -eq 4 ] || usage
    while :; do
        status=$(ask --header "Content-Type: $3" --data-binary "@$4" 'http://tern/v1/studies?wait=1') || exit 2
        case $status in 503 | 504) identifier=$(text id) ;; *) break ;; esac
        if [ -n "$identifier" ]; then
            accepted "$identifier"
            break
        fi
        wait=$(sed -n 's/^Retry-After: \([0-9]*\).*/\1/ip' "$answer.head")
        [ "$status" = 503 ] && [ -n "$wait" ] || break
        sleep "$wait"
    done
    cat "$answer"
    [ "$status" = 200 ] || exit 1
    case $(cat "$answer") in *'"status":"failed"'* | *'"status":"not_attempted"'*) exit 1 ;; esac ;;
follow)
    position=$3
    while :; do
        after=$(cat "$position" 2>/dev/null || echo 0)
        status=$(ask --head "http://tern/v1/findings?after=$after" 2>/dev/null) || status=000
        case $status in
        200) ;;
        410)
            ask "http://tern/v1/findings?after=$after" >/dev/null
            oldest=$(number oldest)
            [ -n "$oldest" ] || continue
            echo "results $((after + 1)) to $((oldest - 1)) were removed before they were read here" >&2
            echo $((oldest - 1)) >"$position.new" && sync "$position.new" && mv "$position.new" "$position"
            continue ;;
        000 | 503) sleep 1; continue ;;
        *) echo "ternd answers $status" >&2; exit 1 ;;
        esac
        curl --silent --show-error --fail --no-buffer --unix-socket "$path" "http://tern/v1/findings?after=$after&follow=1" | {
            confirmed=$after confirmed_at=$(date +%s)
            while IFS= read -r line; do
                # An empty line only says that the connection lives.
                if [ -n "$line" ]; then
                    printf '%s\n' "$line"
                    rest=${line#*\"sequence\":} after=${rest%%,*}
                    # Written beside, then renamed, so that a power cut leaves the old or the new.
                    printf '%s\n' "$after" >"$position.new" && sync "$position.new" && mv "$position.new" "$position" || exit 2
                fi
                # What is safe here ternd may remove; the question says it, and of the answer only the head is taken.
                if [ $((after - confirmed)) -ge 100 ] || { [ "$after" -gt "$confirmed" ] && [ $(($(date +%s) - confirmed_at)) -ge 60 ]; }; then
                    curl --silent --unix-socket "$path" --max-time 60 "http://tern/v1/findings?after=$after" | head -c 1 >/dev/null
                    confirmed=$after confirmed_at=$(date +%s)
                fi
            done
        }
        sleep 1
    done ;;
*) usage ;;
esac
