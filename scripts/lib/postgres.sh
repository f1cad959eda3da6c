# A PostgreSQL of our own, in the scratch folder and on a free loopback port.
# shellcheck shell=bash
: "${scratch:?is the folder that scripts/test works in}"

postgres_data=

# Runs one of the server's programs, as a user whom the server accepts.
postgres_program() {
  local programs as_postgres=()
  programs=$(postgres_programs)
  # The server refuses to run as root.
  if ((EUID == 0)); then
    as_postgres=(setpriv --reuid=postgres --regid=postgres --clear-groups)
  fi
  (cd "$scratch/postgres" && "${as_postgres[@]}" "$programs/$1" "${@:2}")
}

# Starts the server and sets KEYDESK_TEST_DATABASE_URL.
start_postgres() {
  local try port
  mkdir "$scratch/postgres"
  if ((EUID == 0)); then
    chown postgres: "$scratch/postgres"
  fi
  postgres_data=$scratch/postgres/data
  postgres_program initdb --pgdata="$postgres_data" --username=postgres --auth=trust --no-sync \
    --encoding=UTF8 --locale=C.UTF-8 >"$scratch/initdb.log" || {
    cat "$scratch/initdb.log" >&2
    return 1
  }
  cat >>"$postgres_data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$scratch/postgres'
max_connections = 200
# The data need not outlive the run.
fsync = off
# Every statement goes to the log with its parameters, so that the secret audit sees what was sent, not only what stayed.
log_statement = all
log_parameter_max_length = -1
CONF
  # A port that is free when asked for may be taken when used, so the server itself finds out.
  for try in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 12000))
    if postgres_program pg_ctl start --silent --wait --pgdata="$postgres_data" --log="$scratch/postgres/server.log" \
      --options="-p $port" >"$scratch/pg_ctl.log" 2>&1; then
      export KEYDESK_TEST_DATABASE_URL=postgres://postgres@127.0.0.1:$port/postgres
      return
    fi
    printf 'PostgreSQL did not start on port %s (try %s)\n' "$port" "$try" >&2
  done
  cat "$scratch/postgres/server.log" >&2
  return 1
}

# Stops the server if it runs; what it holds in memory is then in its files.
stop_postgres() {
  if [[ -n $postgres_data && -e $postgres_data/postmaster.pid ]]; then
    postgres_program pg_ctl stop --silent --wait --mode=fast --pgdata="$postgres_data"
  fi
}
