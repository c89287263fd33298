#!/usr/bin/env bash
# A throw-away PostgreSQL on the loopback interface, for the tests that need one.
#
#   eval "$(.ci/postgres.sh start)"    # installs Debian's postgresql where it is missing; sets AUTOFT_TEST_POSTGRES
#   .ci/postgres.sh stop               # ends the server and removes its data; nothing to do is no error
#   .ci/postgres.sh restart            # a short outage, by hand
#
# Sourced, it offers postgres_start, which also exports the variable, and postgres_stop.

AUTOFT_POSTGRES_HOME="${AUTOFT_POSTGRES_HOME:-${TMPDIR:-/tmp}/autoft-postgres-$(id -u)}"

# Where the server's programs are; Debian keeps them out of PATH.
_postgres_bin() {
    local found
    found="$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)"
    if [ -n "$found" ] && [ -x "$found/initdb" ]; then
        echo "$found"
    elif command -v initdb >/dev/null; then
        dirname "$(command -v initdb)"
    fi
}

_postgres_install() {
    if [ -n "$(_postgres_bin)" ]; then return 0; fi
    if [ "$(id -u)" -ne 0 ]; then
        echo "postgres.sh: PostgreSQL must be installed, found none and only root may install it" >&2
        return 1
    fi
    apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >&2
}

# The server refuses to run as root: root runs it as the user that Debian's package makes.
_postgres_as_owner() {
    if [ "$(id -u)" -eq 0 ]; then
        (cd / && setpriv --reuid=postgres --regid=postgres --init-groups -- "$@")
    else
        "$@"
    fi
}

_postgres_free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

_postgres_running() {
    [ -f "$AUTOFT_POSTGRES_HOME/port" ] &&
        _postgres_as_owner "$(_postgres_bin)/pg_ctl" -D "$AUTOFT_POSTGRES_HOME/data" status >/dev/null 2>&1
}

_postgres_announce() {
    local port
    port="$(cat "$AUTOFT_POSTGRES_HOME/port")"
    export AUTOFT_TEST_POSTGRES="postgresql+psycopg://autoft@127.0.0.1:$port/postgres"
    echo "export AUTOFT_TEST_POSTGRES=$AUTOFT_TEST_POSTGRES"
}

_postgres_boot() {
    _postgres_as_owner "$(_postgres_bin)/pg_ctl" -D "$AUTOFT_POSTGRES_HOME/data" -w -t 60 \
        -l "$AUTOFT_POSTGRES_HOME/log" start >&2
}

postgres_start() {
    _postgres_install || return 1
    if ! _postgres_running; then
        postgres_stop
        local bin port
        bin="$(_postgres_bin)"
        port="$(_postgres_free_port)"
        mkdir -p "$AUTOFT_POSTGRES_HOME" || return 1
        if [ "$(id -u)" -eq 0 ]; then chown postgres: "$AUTOFT_POSTGRES_HOME"; fi
        _postgres_as_owner "$bin/initdb" -D "$AUTOFT_POSTGRES_HOME/data" -U autoft -A trust -E UTF8 --locale=C >&2 ||
            return 1
        # Its data is thrown away: it need not survive a power cut, only restarts.
        _postgres_as_owner tee -a "$AUTOFT_POSTGRES_HOME/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = ''
fsync = off
max_connections = 50
CONF
        echo "$port" >"$AUTOFT_POSTGRES_HOME/port"
        _postgres_boot || return 1
    fi
    _postgres_announce
}

postgres_stop() {
    if _postgres_running; then
        _postgres_as_owner "$(_postgres_bin)/pg_ctl" -D "$AUTOFT_POSTGRES_HOME/data" -m fast -w stop >&2
    fi
    rm -rf "$AUTOFT_POSTGRES_HOME"
}

postgres_restart() {
    _postgres_as_owner "$(_postgres_bin)/pg_ctl" -D "$AUTOFT_POSTGRES_HOME/data" -m fast -w stop >&2
    sleep "${1:-3}"
    _postgres_boot
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    set -eu
    case "${1:-start}" in
    start) postgres_start ;;
    stop) postgres_stop ;;
    restart) postgres_restart "${2:-3}" ;;
    *)
        echo "postgres.sh: start, stop or restart expected, got '$1'" >&2
        exit 2
        ;;
    esac
fi
