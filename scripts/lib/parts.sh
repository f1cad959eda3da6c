# The parts that tests and measurements need beside cargo: what is missing, and how it comes onto a Debian machine.
# shellcheck shell=bash
: "${scratch:?is the folder that the script works in}"

# Prints the folder of the newest PostgreSQL server: Debian keeps its programs off the PATH.
postgres_programs() {
  local newest
  newest=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort --version-sort | tail -n 1)
  if [[ -x $newest ]]; then
    dirname "$newest"
  elif command -v initdb >/dev/null; then
    dirname "$(command -v initdb)"
  else
    return 1
  fi
}

# Whether the machine has fonts of a family.
has_font() {
  command -v fc-list >/dev/null && [[ -n $(fc-list "$1" family) ]]
}

# Prints the Debian packages that are missing for the steps named.
missing_packages() {
  local step
  for step in "$@"; do
    case $step in
      postgres)
        postgres_programs >/dev/null || echo postgresql
        command -v redis-server >/dev/null || echo redis-server
        ;;
      openapi | mail)
        # Debian's python3 comes without what makes a virtual environment.
        python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
        ;;
      browser | screenshots)
        command -v chromium >/dev/null || echo chromium
        # The fonts are those that the pages ask for first: without any, a screenshot shows boxes, and others are wider.
        has_font Inter || echo fonts-inter
        has_font 'JetBrains Mono' || echo fonts-jetbrains-mono
        command -v chromedriver >/dev/null || echo chromium-driver
        [[ $step == browser ]] || continue
        command -v npm >/dev/null || echo npm
        command -v curl >/dev/null || echo curl
        ;;
      pictures)
        command -v pngquant >/dev/null || echo pngquant
        ;;
      gateways)
        # Debian keeps servers off the PATH of people.
        [[ -x /usr/sbin/nginx ]] || command -v nginx >/dev/null || echo nginx-light
        [[ -x /usr/sbin/haproxy ]] || command -v haproxy >/dev/null || echo haproxy
        command -v caddy >/dev/null || echo caddy
        command -v pip3 >/dev/null || echo python3-pip
        ;;
      crates)
        command -v pip3 >/dev/null || echo python3-pip
        ;;
      chaos)
        command -v faketime >/dev/null || echo faketime
        postgres_programs >/dev/null || echo postgresql
        command -v slowhttptest >/dev/null || echo slowhttptest
        [[ -x /usr/sbin/haproxy ]] || command -v haproxy >/dev/null || echo haproxy
        command -v redis-server >/dev/null || echo redis-server
        command -v python3 >/dev/null || echo python3
        ;;
      flood | timing)
        command -v python3 >/dev/null || echo python3
        command -v jq >/dev/null || echo jq
        ;;
      pages | keys)
        command -v python3 >/dev/null || echo python3
        command -v curl >/dev/null || echo curl
        command -v jq >/dev/null || echo jq
        ;;
      export)
        command -v curl >/dev/null || echo curl
        command -v jq >/dev/null || echo jq
        ;;
      desk)
        postgres_programs >/dev/null || echo postgresql
        command -v python3 >/dev/null || echo python3
        command -v jq >/dev/null || echo jq
        ;;
      instructions)
        command -v valgrind >/dev/null || echo valgrind
        # Debian keeps apart what valgrind needs to start a program that has lost its symbols.
        [[ ! -d /usr/share/doc/libc6 || -d /usr/lib/debug/.build-id ]] || echo libc6-dbg
        command -v jq >/dev/null || echo jq
        ;;
      bench)
        command -v wrk >/dev/null || echo wrk
        command -v curl >/dev/null || echo curl
        command -v jq >/dev/null || echo jq
        ;;
    esac
  done
}

# Installs what the steps named lack, or says what to install and ends with 2.
bring_parts() {
  local packages
  mapfile -t packages < <(missing_packages "$@")
  if ((${#packages[@]} == 0)); then
    return
  fi
  if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
    printf 'Parts are missing here. On Debian they come by\n\n' >&2
    printf '    sudo apt-get install --no-install-recommends %s\n\n' "${packages[*]}" >&2
    printf 'Without them, cargo test alone runs what needs nothing but cargo.\n' >&2
    exit 2
  fi
  printf 'Installing %s\n' "${packages[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends "${packages[@]}" \
    >"$scratch/apt.log" 2>&1 || {
    cat "$scratch/apt.log" >&2
    exit 2
  }
}
