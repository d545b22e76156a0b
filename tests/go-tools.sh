# Sourced by the build.sh of a Go module in a folder beside this file. What the module's tools give is
# built once, into a folder of a cache outside git that is named after what it was made from.
#
# The script sets `name`, `sources` (the files that decide what comes out) and `purpose`, and defines `build`,
# which fills the empty folder `$1`; then it calls `build_once`. The last line on stdout is the folder; all
# else goes to stderr.
# shellcheck shell=bash disable=SC2154 # the script sets them

log() { echo "$name: $*" >&2; }

need_go() {
    command -v go >/dev/null && return
    log "go is not on the PATH, and $purpose is built with it."
    log "Install Go $(awk '$1 == "go" { print $2 }' go.mod) or newer."
    if [[ -n "${instead:-}" ]]; then log "$instead"; fi
    exit 1
}

build_once() {
    local cache folder hash unfinished
    cache="${MESHMODE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/meshmode}/$name"
    mkdir -p "$cache"
    cache=$(realpath "$cache")
    need_go

    # Without cgo the binaries need nothing of the machine; no go.work may replace modules.
    export CGO_ENABLED=0 GOWORK=off
    hash=$({ cat "${sources[@]}" && go version; } | sha256sum | cut -c1-16)
    folder="$cache/$hash"

    # Two test runs at once: the second waits for the build of the first.
    if command -v flock >/dev/null; then
        exec 9>"$cache/lock"
        flock 9
    fi
    if [[ ! -d "$folder" ]]; then
        log "building $purpose (minutes the first time) into $folder"
        unfinished=$(mktemp -d "$folder.XXXXXX")
        # shellcheck disable=SC2064 # the folder of now, not of the exit
        trap "rm -rf '$unfinished'" EXIT
        build "$unfinished" >&2
        chmod 755 "$unfinished"
        # The name appears only now, whole: a broken build is never taken for done.
        mv "$unfinished" "$folder"
        log "built in $SECONDS s"
    fi
    echo "$folder"
}
