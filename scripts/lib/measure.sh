# Starting, loading and watching servers, each kept to a core of its own.
# shellcheck shell=bash
: "${scratch:?is the folder that scripts/bench works in}" "${path:?}"

server_core=0
load_core=1
connections=32
# Ticks a second of the processor times that the kernel gives.
ticks=$(getconf CLK_TCK)
declare -A pid_of=() url_of=()
loading=

# start NAME COMMAND…: starts a server on its core and waits until it says where it listens.
start() {
  local name=$1 try line
  : >"$scratch/$name.log"
  TOKIO_WORKER_THREADS=1 taskset --cpu-list "$server_core" "${@:2}" >>"$scratch/$name.log" 2>&1 </dev/null &
  pid_of[$name]=$!
  for try in {1..300}; do
    line=$(grep --max-count=1 --only-matching 'listening on http://.*' "$scratch/$name.log") && break
    if ! kill -0 "${pid_of[$name]}" 2>/dev/null || ((try == 300)); then
      cat "$scratch/$name.log" >&2
      return 1
    fi
    sleep 0.1
  done
  url_of[$name]=http://127.0.0.1:${line##*:}
}

stop_all() {
  local pids=("${pid_of[@]}")
  [[ -z $loading ]] || pids+=("$loading")
  ((${#pids[@]} > 0)) || return 0
  kill "${pids[@]}" 2>/dev/null || true
  wait "${pids[@]}" 2>/dev/null || true
}

# Prints the ticks that a process has spent, with all its threads.
spent_by() {
  local fields
  read -r -a fields <"/proc/$1/stat"
  printf '%s\n' "$((fields[13] + fields[14]))"
}

# Prints the ticks that a core was busy, for whomever.
spent_on() {
  awk -v core="cpu$1" '$1 == core { print $2 + $3 + $4 + $7 + $8 + $9 }' /proc/stat
}

# Prints the memory of a process in KiB, what it shares counted in parts.
memory_of() {
  awk '$1 == "Pss:" { print $2 }' "/proc/$1/smaps_rollup"
}

# Waits until a server has done what it put off, such as writing what it counted.
settle() {
  local before after
  sleep 0.6
  for _ in {1..60}; do
    before=$(spent_by "$1")
    # What was counted is written with rests between, which are nineteen times as long.
    sleep 2
    after=$(spent_by "$1")
    ((after - before > 1)) || return 0
  done
}

# Waits until all servers have written what they counted so far.
settle_all() {
  local before after
  for _ in {1..60}; do
    before=$(spent_by_all)
    sleep 5
    after=$(spent_by_all)
    ((after - before > 5)) || return 0
  done
}

# Prints the ticks that all servers have spent.
spent_by_all() {
  local pid sum=0
  for pid in "${pid_of[@]}"; do
    sum=$((sum + $(spent_by "$pid")))
  done
  printf '%s\n' "$sum"
}

# load URL SECONDS FILE KIND STATUS MODE: sends the requests of a file; prints what came of it as a line of JSON.
load() {
  local status=0
  taskset --cpu-list "$load_core" wrk --threads 1 --connections "$connections" --duration "$2s" --timeout 10s \
    --script scripts/lib/gate.lua "$1" -- "$path" "${@:3}" >"$scratch/wrk.log" 2>&1 &
  loading=$!
  wait "$loading" || status=$?
  loading=
  if ((status != 0)) || ! grep '^{' "$scratch/wrk.log"; then
    cat "$scratch/wrk.log" >&2
    return 1
  fi
}

# measure SERVER SECONDS FILE KIND STATUS: as load, with what the server and everybody else on its core spent.
measure() {
  local pid=${pid_of[$1]} began spent busy took spent_then busy_then
  # A log that grows during one row must not slow the next.
  : >"$scratch/$1.log"
  began=${EPOCHREALTIME/./}
  spent=$(spent_by "$pid")
  busy=$(spent_on "$server_core")
  load "${url_of[$1]}" "${@:2}" cycle >"$scratch/load.json"
  spent_then=$(spent_by "$pid")
  busy_then=$(spent_on "$server_core")
  took=$((${EPOCHREALTIME/./} - began))
  settle "$pid"
  jq --compact-output \
    --argjson took "$took" \
    --argjson loaded "$(((spent_then - spent) * 1000000 / ticks))" \
    --argjson busy "$(((busy_then - busy) * 1000000 / ticks))" \
    --argjson spent "$((($(spent_by "$pid") - spent) * 1000000 / ticks))" \
    --argjson logged "$(stat --format=%s "$scratch/$1.log")" \
    '. + {cpu_us: ($spent / .requests), server_busy: ($loaded / .us),
      others: (([$busy - $loaded, 0] | max) / $took), logged: ($logged / .requests)}' "$scratch/load.json"
}

# sign_in_by_curl URL EMAIL: with the password that lies in the scratch folder; keeps the session's cookie in a file there.
sign_in_by_curl() {
  local status
  status=$(curl --silent --output /dev/null --write-out '%{http_code}' --cookie-jar "$scratch/cookies" \
    --header 'Sec-Fetch-Site: same-origin' --data-urlencode "email=$2" \
    --data-urlencode "password@$scratch/password.form" "$1/sign-in")
  [[ $status == 303 ]] || refuse "the sign-in was answered with $status"
}
