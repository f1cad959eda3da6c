# What the pages of the record cost the server, and what they weigh: a hundred thousand audit events, and ninety days of
# usage of a thousand keys, in one account.
# shellcheck shell=bash
: "${scratch:?is the folder that scripts/bench works in}" "${json:?}" "${part:?}" "${programs:?}" "${rounds:?}"
declare -A pid_of url_of

pages_email=bench@bench.example
# Milliseconds of a processor at the median, and bytes.
pages_target_ms=5
pages_target_bytes=61440

bench_pages() {
  local desk=(env KEYDESK_LISTEN=127.0.0.1:0 KEYDESK_DATA_DIR="$scratch/pages" "$programs/keydesk")
  head --bytes=24 /dev/urandom | base64 >"$scratch/password"
  tr --delete '\n' <"$scratch/password" >"$scratch/password.form"
  "${desk[@]}" admin create "$pages_email" <"$scratch/password" >/dev/null
  KEYDESK_DATA_DIR="$scratch/pages" "$programs/examples/seed_events" --email "$pages_email" --events "$((100000 / part))"
  python3 scripts/lib/pages.py seed "$scratch/pages/keydesk.db" "$pages_email" "$((1000 / part))" 90
  start desk "${desk[@]}"
  sign_in_by_curl "${url_of[desk]/127.0.0.1/localhost}" "$pages_email"
  settle "${pid_of[desk]}"
  taskset --cpu-list "$load_core" python3 scripts/lib/pages.py measure "${url_of[desk]}" "${pid_of[desk]}" \
    "$scratch/cookies" "$((rounds * 30))" \
    audit-log=/settings/audit-log \
    audit-log-filtered='/settings/audit-log?action=key.created' \
    audit-log-search='/settings/audit-log?q=worker-77' \
    usage=/settings/usage \
    usage-90d='/settings/usage?period=90d' \
    key=/settings/api-keys/key_0000000000000007 \
    key-90d='/settings/api-keys/key_0000000000000007?period=90d' \
    keys=/settings/api-keys \
    keys-unused='/settings/api-keys?status=unused' \
    >"$scratch/pages.json"
  pages_report
}

pages_report() {
  mkdir -p "$(dirname "$json")"
  jq --argjson ms "$pages_target_ms" --argjson bytes "$pages_target_bytes" --arg at "$(date --utc +%FT%TZ)" \
    --arg commit "$(git describe --always --dirty --abbrev=12)" --arg command "$command_line" '
    {rows: ., about: $ARGS.named, met: (to_entries | all(.value.cpu_ms <= $ms and .value.bytes <= $bytes))}' \
    "$scratch/pages.json" >"$json"
  {
    printf 'Page|KB|CPU ms, median|of ten, nine below\n'
    jq --raw-output '.rows | to_entries[]
      | "\(.value.path)|\(.value.bytes / 1024 * 10 | round / 10)|\(.value.cpu_ms)|\(.value.cpu_ms_90)"' "$json"
  } | column --table --separator '|' --table-right 2,3,4
  jq --raw-output '"Each within \(.about.ms) ms and \(.about.bytes / 1024) KB: \(if .met then "met" else "missed" end)"' "$json"
  printf 'The figures are in %s\n' "$json"
}
