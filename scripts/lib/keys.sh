# What the list of keys costs the server as it grows: the same questions to accounts of a thousand, a hundred thousand and a
# million keys, each in a database of its own.
# shellcheck shell=bash
: "${scratch:?is the folder that scripts/bench works in}" "${json:?}" "${part:?}" "${programs:?}" "${rounds:?}"
declare -A pid_of url_of

keys_email=bench@bench.example
keys_sizes=(1000 100000 1000000)
# The growth from the least to the most that is allowed, and what a page may cost and weigh.
keys_target_growth=1.2
keys_target_ms=5
keys_target_bytes=61440

bench_keys() {
  local size
  ((part == 1)) || keys_sizes=(1000 10000)
  head --bytes=24 /dev/urandom | base64 >"$scratch/password"
  tr --delete '\n' <"$scratch/password" >"$scratch/password.form"
  for size in "${keys_sizes[@]}"; do
    keys_of "$size"
  done
  keys_report
}

# One account, in a folder that goes before the next is made.
keys_of() {
  local size=$1 desk
  desk=(env KEYDESK_LISTEN=127.0.0.1:0 KEYDESK_DATA_DIR="$scratch/keys-$size" "$programs/keydesk")
  "${desk[@]}" admin create "$keys_email" <"$scratch/password" >/dev/null
  python3 scripts/lib/keys.py seed "$scratch/keys-$size/keydesk.db" "$keys_email" "$size"
  start "desk-$size" "${desk[@]}"
  sign_in_by_curl "${url_of[desk-$size]/127.0.0.1/localhost}" "$keys_email"
  settle "${pid_of[desk-$size]}"
  taskset --cpu-list "$load_core" python3 scripts/lib/keys.py measure "${url_of[desk-$size]}" "${pid_of[desk-$size]}" \
    "$scratch/cookies" "$((rounds * 15))" "$size" >"$scratch/keys-$size.json"
  kill "${pid_of[desk-$size]}"
  wait "${pid_of[desk-$size]}" || true
  unset "pid_of[desk-$size]"
  rm -rf "$scratch/keys-$size"
}

keys_report() {
  local size files=()
  for size in "${keys_sizes[@]}"; do
    files+=("$scratch/keys-$size.json")
  done
  mkdir -p "$(dirname "$json")"
  jq --slurp --argjson growth "$keys_target_growth" --argjson ms "$keys_target_ms" --argjson bytes "$keys_target_bytes" \
    --arg at "$(date --utc +%FT%TZ)" --arg commit "$(git describe --always --dirty --abbrev=12)" --arg command "$command_line" \
    --argjson sizes "[$(IFS=,; printf '%s' "${keys_sizes[*]}")]" '
    . as $runs
    | ($runs[0] | keys_unsorted | map(. as $page | {page: ., cpu_ms: ($runs | map(.[$page].cpu_ms)),
        kb: ($runs | map(.[$page].bytes / 1024 * 10 | round / 10)),
        growth: ($runs[-1][$page].cpu_ms / $runs[0][$page].cpu_ms * 100 | round / 100)})) as $rows
    | {rows: $rows, about: $ARGS.named,
       met: ($rows | all(.growth <= $growth and (.cpu_ms | max) <= $ms and (.kb | max) * 1024 <= $bytes))}' \
    "${files[@]}" >"$json"
  {
    printf 'Page|%s keys|growth|KB\n' "$(IFS='|'; printf '%s' "${keys_sizes[*]}" | sed 's/|/ keys|/g')"
    jq --raw-output '.rows[] | "\(.page)|\(.cpu_ms | map(tostring) | join("|"))|\(.growth)|\(.kb[-1])"' "$json"
  } | column --table --separator '|' --table-right 2,3,4,5,6
  jq --raw-output '"Growth \(.about.growth), \(.about.ms) ms and \(.about.bytes / 1024) KB: \(if .met then "met" else "missed" end)"' "$json"
  printf 'The figures are in %s\n' "$json"
}
