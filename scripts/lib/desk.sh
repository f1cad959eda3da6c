# What the rest of the desk costs: pages, assets, the API and sign-in, on SQLite and on PostgreSQL; and a start with a hundred
# thousand keys, until the first answer.
# shellcheck shell=bash
: "${scratch:?is the folder that scripts/bench works in}" "${json:?}" "${part:?}" "${programs:?}" "${rounds:?}"
declare -A pid_of url_of

desk_email=bench@bench.example
# Milliseconds until the first answer, and MiB while nobody asks.
desk_target_start=100
desk_target_idle=30

bench_desk() {
  head --bytes=24 /dev/urandom | base64 | tr --delete '\n' >"$scratch/password"
  start floor "$programs/examples/floor" 127.0.0.1:0 /
  desk_on SQLite
  # Nothing need outlive the run.
  start_postgres
  desk_on PostgreSQL "KEYDESK_DATABASE_URL=$KEYDESK_TEST_DATABASE_URL"
  stop_postgres
  desk_starts
  desk_report
}

# desk_on ENGINE SETTING…: one desk with one administrator, and what it costs to ask it.
desk_on() {
  local engine=$1 desk
  desk=(env KEYDESK_LISTEN=127.0.0.1:0 KEYDESK_DATA_DIR="$scratch/desk-$engine" KEYDESK_TRUSTED_PROXIES=127.0.0.1 "${@:2}"
    "$programs/keydesk")
  "${desk[@]}" admin create "$desk_email" <"$scratch/password" >/dev/null
  start "$engine" "${desk[@]}"
  settle "${pid_of[$engine]}"
  taskset --cpu-list "$load_core" python3 scripts/lib/desk.py "${url_of[floor]}" "${pid_of[floor]}" \
    "${url_of[$engine]}" "${pid_of[$engine]}" "$scratch/password" "$desk_email" "$((rounds * 30))" |
    jq --arg engine "$engine" 'map({engine: $engine} + .)' >"$scratch/desk-$engine.json"
  kill "${pid_of[$engine]}"
  wait "${pid_of[$engine]}" || true
  unset "pid_of[$engine]"
}

# Starts a desk that knows a hundred thousand keys, over and over: milliseconds until it answers, and what it takes when idle.
desk_starts() {
  local round
  "$programs/examples/seed_keys" --data-dir "$scratch/starts" --product products/default.toml --out "$scratch" \
    --live "$((100000 / part))" --deleted 0 --restricted 0
  : >"$scratch/starts.txt"
  for ((round = 0; round < rounds; round++)); do
    python3 scripts/lib/first_answer.py "$programs/keydesk" "$scratch/starts" >>"$scratch/starts.txt"
  done
}

desk_report() {
  mkdir -p "$(dirname "$json")"
  jq --slurp --argjson start "$desk_target_start" --argjson idle "$desk_target_idle" --arg at "$(date --utc +%FT%TZ)" \
    --arg commit "$(git describe --always --dirty --abbrev=12)" --arg command "$command_line" \
    --argjson starts "$(jq --slurp . "$scratch/starts.txt")" '
    def middle: sort | .[length / 2 | floor];
    {rows: add, about: $ARGS.named, start_ms: ($starts | map(.ms) | middle), idle_mib: ($starts | map(.mib) | middle)}
    | .met = (.start_ms <= $start and .idle_mib <= $idle)' \
    "$scratch/desk-SQLite.json" "$scratch/desk-PostgreSQL.json" >"$json"
  {
    printf 'Database|Row|CPU ms, median|least|of ten, nine below|of floor|p50 ms|p99 ms|bytes\n'
    jq --raw-output '.rows[]
      | [.engine, .row, .cpu_ms, .cpu_ms_least, .cpu_ms_90, .of_floor, .p50_ms, .p99_ms, .bytes] | map(tostring) | join("|")' "$json"
  } | column --table --separator '|' --table-right 3,4,5,6,7,8,9
  jq --raw-output '"First answer with 100 k keys after \(.start_ms) ms (\(.about.start)), idle \(.idle_mib) MiB (\(.about.idle)): \(
    if .met then "met" else "missed" end)"' "$json"
  printf 'The figures are in %s\n' "$json"
}
