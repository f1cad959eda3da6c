# Sign-in under a flood, and by the clock: a release of its own, asked by scripts/lib/sign_ins.py.
# shellcheck shell=bash
: "${scratch:?is the folder that scripts/bench works in}" "${rounds:?}" "${seconds:?}" "${tries:?}" "${clients:?}" "${json:?}"
: "${program?}"
declare -A pid_of url_of

# Starts Keydesk on an empty database, with every core: the pool of passwords has as many threads as it counts.
start_desk() {
  server_core=0-$(($(nproc) - 1))
  # One client asks the gate with one key, faster than most products let it.
  sed 's/^per_minute = .*/per_minute = 0/' products/default.toml >"$scratch/plain.toml"
  start desk env TOKIO_WORKER_THREADS="$(nproc)" KEYDESK_LISTEN=127.0.0.1:0 KEYDESK_DATA_DIR="$scratch/desk.data" \
    KEYDESK_PRODUCT="$scratch/plain.toml" KEYDESK_TRUSTED_PROXIES=127.0.0.1 "$program"
}

# ask COMMAND…: what sign_ins.py has to say goes into the file of figures.
ask() {
  mkdir -p "$(dirname "$json")"
  python3 scripts/lib/sign_ins.py "$@" >"$scratch/figures.json" &
  loading=$!
  wait "$loading"
  loading=
  cp "$scratch/figures.json" "$json"
}

bench_flood() {
  start_desk
  ask flood "${url_of[desk]}" "${pid_of[desk]}" "$clients" "$rounds" "$seconds"
  printf '\n'
  {
    printf 'The gate while|p50 µs|p99 µs|max µs\n'
    jq --raw-output '.rows | to_entries[] | "\(.key)|\(.value.p50)|\(.value.p99)|\(.value.max)"' "$json"
  } | column --table --separator '|' --table-right 2,3,4
  jq --raw-output '"",
    "p99 under the flood: \(.p99_of_idle) of idle, \(.p99_of_refused) of the same load without hashing",
    "Answers to \(.parallel) clients: \(.answers | to_entries | map("\(.value) × \(.key)") | join(", "))",
    "Memory grew by \(.growth_mib) MiB at most, by \(.growth_refused_mib) MiB without hashing; what may be hashed at once takes \(.bound_mib) MiB"' "$json"
  printf '\nThe figures are in %s\n' "$json"
  jq --exit-status '[.answers | keys[] | select(. != "422" and . != "503 with Retry-After")] == []' "$json" >/dev/null || {
    printf 'Some answers were not as expected: these figures measure nothing\n' >&2
    return 1
  }
}

bench_timing() {
  start_desk
  ask timing "${url_of[desk]}" "$scratch/desk.data/keydesk.db" "$tries"
  printf '\n'
  {
    printf 'Door|Whose address|median µs|told from unknown|1 in 100 by chance\n'
    jq --raw-output '.doors | to_entries[] | .key as $door | .value | to_entries[]
      | "\($door)|\(.key)|\(.value.median)|\(.value.told_apart[0])|\(.value.told_apart[1])"' "$json"
  } | column --table --separator '|' --table-right 3,4,5
  printf '\nThe figures are in %s\n' "$json"
  jq --exit-status '[.doors[][].told_apart | select(.[0] > .[1])] == []' "$json" >/dev/null || {
    printf 'An address that is known can be told by the clock, unless chance did it: run it again\n' >&2
    return 1
  }
}
