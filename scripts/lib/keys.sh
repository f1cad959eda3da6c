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
  local size desks=()
  ((part == 1)) || keys_sizes=(1000 10000)
  head --bytes=24 /dev/urandom | base64 >"$scratch/password"
  tr --delete '\n' <"$scratch/password" >"$scratch/password.form"
  for size in "${keys_sizes[@]}"; do
    keys_of "$size"
    desks+=("$size=${url_of[desk-$size]}=${pid_of[desk-$size]}=$scratch/cookies-$size")
  done
  for size in "${keys_sizes[@]}"; do
    settle "${pid_of[desk-$size]}"
  done
  taskset --cpu-list "$load_core" python3 scripts/lib/keys.py measure "$((rounds * 3))" "${desks[@]}" >"$scratch/keys.json"
  keys_report
}

# Starts a server with one account of so many keys.
keys_of() {
  local size=$1 desk
  desk=(env KEYDESK_LISTEN=127.0.0.1:0 KEYDESK_DATA_DIR="$scratch/keys-$size" "$programs/keydesk")
  "${desk[@]}" admin create "$keys_email" <"$scratch/password" >/dev/null
  python3 scripts/lib/keys.py seed "$scratch/keys-$size/keydesk.db" "$keys_email" "$size"
  start "desk-$size" "${desk[@]}"
  sign_in_by_curl "${url_of[desk-$size]/127.0.0.1/localhost}" "$keys_email"
  mv "$scratch/cookies" "$scratch/cookies-$size"
}

keys_report() {
  mkdir -p "$(dirname "$json")"
  jq --argjson growth "$keys_target_growth" --argjson ms "$keys_target_ms" --argjson bytes "$keys_target_bytes" \
    --arg at "$(date --utc +%FT%TZ)" --arg commit "$(git describe --always --dirty --abbrev=12)" --arg command "$command_line" '
    {rows: ., about: $ARGS.named,
     met: all(.growth <= $growth and (.cpu_ms | max) <= $ms and .bytes <= $bytes)}' "$scratch/keys.json" >"$json"
  {
    printf 'Page|%s keys|growth|shown|KB\n' "$(IFS='|' && sed 's/|/ keys|/g' <<<"${keys_sizes[*]}")"
    jq --raw-output '.rows[]
      | "\(.page)|\(.cpu_ms | map(tostring) | join("|"))|\(.growth)|\(.shown | map(tostring) | join(" "))|\(.bytes / 1024 * 10 | round / 10)"' "$json"
  } | column --table --separator '|' --table-right 2,3,4,5,6,7
  jq --raw-output '"Growth \(.about.growth), \(.about.ms) ms and \(.about.bytes / 1024) KB: \(if .met then "met" else "missed" end)"' "$json"
  printf 'The figures are in %s\n' "$json"
}
