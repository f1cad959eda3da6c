# The verdicts of the gate: rows, the servers that they ask, and the keys that those know.
# shellcheck shell=bash
: "${scratch:?is the folder that scripts/bench works in}" "${path:?}" "${rounds:?}" "${seconds:?}" "${json:?}" "${part:?}"
: "${command_line:?}" "${only?}" "${server_core:?}" "${load_core:?}" "${connections:?}"
declare -A pid_of url_of

# Requests made beforehand for one row; over and over, they are the traffic.
draws=$((200000 / part))

# name|server|keys and how often each comes|what a request asks|status|least ratio to the floor|in words
rows='floor|floor|100k.zipf|scope|200||a constant from axum
cached|plain|100k.zipf|scope|200|0.80|cached key, no limit
limited|limited|100k.zipf|scope|200|0.70|cached key, limit and usage
limited-hot|limited|100k.hot|scope|200||the same, 1 000 keys only
limited-every|limited|100k.every|scope|200||the same, every key alike
miss|small|100k.every|scope|200||key not in the cache
deleted|limited|100k.deleted|scope|401||deleted key
garbage|limited|100k.garbage|scope|401|0.80|wrong checksum
unknown|limited|100k.unknown|scope|429||right checksum, nobody'"'"'s
restricted|limited|100k.restricted|inbox|200||restricted key, its inbox
forward|limited|100k.zipf|forward|200||forward-auth with routes
few|few|1k.hot|scope|200||1 k keys known, 1 000 used
many|many|1m.hot|scope|200||1 M keys known, 1 000 used
many-every|many|1m.every|scope|200||1 M keys known, every key alike'

bench_gate() {
  local row round
  choose_rows
  write_products
  for row in "${chosen[@]}"; do
    prepare "$row"
  done
  printf 'Waiting until what was counted is written\n'
  settle_all
  : >"$scratch/slots"
  for ((round = 1; round <= rounds; round++)); do
    printf 'Round %s of %s\n' "$round" "$rounds"
    for row in "${chosen[@]}"; do
      take_turn "$row" "$round"
    done
  done
  report
}

# Sets `chosen` to the rows that can be measured and were asked for.
choose_rows() {
  local row name
  chosen=()
  while read -r row; do
    name=${row%%|*}
    if [[ -n $only && $name != floor && " $only " != *" $name "* ]]; then
      continue
    elif [[ $name == miss ]] && ! target/release/keydesk --help | grep --quiet -- --cache-keys; then
      printf 'Without --cache-keys there is no small cache to miss: the row %s is left out\n' "$name"
      continue
    fi
    chosen+=("$row")
  done <<<"$rows"
  for name in $only; do
    grep --quiet "^$name|" <<<"$rows" || refuse "there is no row $name"
  done
}

# The definitions: the built-in one without a limit, and with one that is counted and never reached.
write_products() {
  sed 's/^per_minute = .*/per_minute = 0/' products/default.toml >"$scratch/plain.toml"
  sed 's/^per_minute = .*/per_minute = 4000000000/' products/default.toml >"$scratch/limited.toml"
  cat >>"$scratch/limited.toml" <<'TOML'
[[routes]]
method = "GET"
path = "/v1/inboxes"
scope = "inboxes:read"
[[routes]]
method = "GET"
path = "/v1/inboxes/{inbox}/messages"
scope = "mail:read"
[[routes]]
method = "POST"
path = "/v1/inboxes/{inbox}/messages"
scope = "mail:send"
[[routes]]
method = "GET"
path = "/v1/inboxes/{inbox}/messages/{id}"
scope = "mail:read"
TOML
}

# Starts the server of a row if it does not run yet, warms it with every request of the row, and looks at the answers.
prepare() {
  local name server traffic kind status chunk
  IFS='|' read -r name server traffic kind status _ <<<"$1"
  traffic_file "$traffic"
  if [[ -z ${pid_of[$server]:-} ]]; then
    printf 'Starting and warming %s\n' "$server"
    start_"${server}"
    if [[ $server != floor ]]; then
      split --lines="$draws" "$scratch/keys.${traffic%.*}/live" "$scratch/chunk."
      for chunk in "$scratch/chunk."*; do
        warm "$server" "$chunk" scope 200
        rm "$chunk"
      done
    fi
  fi
  warm "$server" "$scratch/traffic.$traffic" "$kind" "$status"
  if [[ $server != floor && $status == 200 && $path == /gate/authorize ]]; then
    look_at_headers "$server" "$scratch/traffic.$traffic"
  fi
}

warm() {
  load "${url_of[$1]}" 600 "${@:2}" once >"$scratch/warm.json"
  jq --exit-status '.all and .wrong == 0' "$scratch/warm.json" >/dev/null || {
    printf '%s: not every answer was %s: %s\n' "$1" "$4" "$(<"$scratch/warm.json")" >&2
    return 1
  }
  settle "${pid_of[$1]}"
}

# An answer of the gate names the key, so that a client's own headers are overwritten.
look_at_headers() {
  local secret header
  read -r secret _ <"$2"
  # Not as an argument: everybody may list those.
  printf 'Authorization: Bearer %s' "$secret" |
    curl --silent --fail --output /dev/null --dump-header "$scratch/headers" --header @- "${url_of[$1]}$path?scope=mail:send"
  for header in key-id account-id type environment scopes inbox; do
    grep --quiet --ignore-case "^x-keydesk-$header:" "$scratch/headers" || {
      printf '%s: the answer lacks X-Keydesk-%s\n' "$1" "$header" >&2
      return 1
    }
  done
}

start_floor() {
  start floor target/release/examples/floor 127.0.0.1:0 "$path"
}

start_plain() {
  serve plain 100k plain
}

start_limited() {
  serve limited 100k limited
}

start_small() {
  serve small 100k limited KEYDESK_CACHE_KEYS=1000
}

start_few() {
  serve few 1k limited
}

start_many() {
  serve many 1m limited KEYDESK_CACHE_KEYS=1250000
}

# serve NAME KEYS PRODUCT SETTING…: starts Keydesk on a copy of the seeded keys.
serve() {
  local name=$1
  seed "$2"
  cp --recursive --reflink=auto "$scratch/keys.$2/data" "$scratch/$name.data"
  start "$name" env KEYDESK_LISTEN=127.0.0.1:0 KEYDESK_DATA_DIR="$scratch/$name.data" \
    KEYDESK_PRODUCT="$scratch/$3.toml" KEYDESK_TRUSTED_PROXIES=127.0.0.1 "${@:4}" target/release/keydesk
}

# Makes the keys of a size once; the secrets lie beside the data.
seed() {
  local folder=$scratch/keys.$1 live began=$SECONDS
  [[ ! -d $folder ]] || return 0
  case $1 in
    1k) live=1000 ;;
    100k) live=100000 ;;
    1m) live=1000000 ;;
  esac
  live=$((live / part))
  mkdir "$folder"
  printf 'Seeding: '
  target/release/examples/seed_keys --data-dir "$folder/data" --product products/default.toml --out "$folder" \
    --live "$live" --deleted "$((live / 10))" --restricted "$((live / 10))"
  printf '  took %s s\n' "$((SECONDS - began))"
}

# Makes the requests of KEYS.SHAPE: `hot`, 1 000 of the live keys; `every`, all alike; `zipf`, all, the k-th of them 1/k
# as often as the first, as customers are; else the keys of that sort.
traffic_file() {
  local keys=$scratch/keys.${1%.*} file=$scratch/traffic.$1
  [[ ! -e $file ]] || return 0
  seed "${1%.*}"
  case ${1#*.} in
    hot) shuf --head-count=1000 "$keys/live" ;;
    every) shuf --head-count="$draws" "$keys/live" ;;
    zipf)
      shuf "$keys/live" | awk -v draws="$draws" '
        { line[NR] = $0 }
        END { srand(1); for (i = 0; i < draws; i++) print line[int(exp(rand() * log(NR + 1)))] }'
      ;;
    *) shuf "$keys/${1#*.}" ;;
  esac >"$file"
}

# Measures a row once.
take_turn() {
  local name server traffic kind status
  IFS='|' read -r name server traffic kind status _ <<<"$1"
  measure "$server" "$seconds" "$scratch/traffic.$traffic" "$kind" "$status" >"$scratch/slot"
  jq --compact-output --arg row "$name" --argjson round "$2" '{row: $row, round: $round} + .' "$scratch/slot" \
    >>"$scratch/slots"
}

# Prints the table, writes the figures, and fails if an answer was not as expected.
report() {
  local name server
  for server in "${!pid_of[@]}"; do
    printf '%s %s\n' "$server" "$(memory_of "${pid_of[$server]}")"
  done >"$scratch/memory"
  mkdir -p "$(dirname "$json")"
  jq --null-input --slurpfile slots "$scratch/slots" --rawfile memory "$scratch/memory" \
    --arg rows "$(printf '%s\n' "${chosen[@]}")" --argjson about "$(about)" --from-file scripts/lib/gate.jq >"$json"
  printf '\n'
  jq --raw-output '.table[]' "$json" | column --table --separator '|' --table-right 2,3,4,5,6,7,8,9,10,11,12,13
  printf '\n'
  jq --raw-output '.verdicts[], "", .measured[]' "$json"
  printf '\nThe figures are in %s\n' "$json"
  jq --exit-status '.wrong == 0' "$json" >/dev/null || {
    printf 'Some answers were not as expected: these figures measure nothing\n' >&2
    return 1
  }
}

# How it was measured, as JSON.
about() {
  jq --null-input \
    --arg at "$(date --utc +%FT%TZ)" \
    --arg kernel "$(uname -srm)" \
    --arg processor "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" \
    --argjson cores "$(nproc)" \
    --arg commit "$(git describe --always --dirty --abbrev=12)" \
    --arg compiler "$(rustc --version)" \
    --arg command "$command_line" \
    --arg path "$path" \
    --argjson part "$part" \
    --argjson rounds "$rounds" --argjson seconds "$seconds" --argjson connections "$connections" \
    --argjson server_core "$server_core" --argjson load_core "$load_core" '$ARGS.named'
}
