#!/usr/bin/env bash
# Installs the Debian packages named in a table (scripts/packages.txt unless
# another is given) that are missing here. With nothing missing it asks dpkg
# once and changes nothing: no update, no network.
set -euo pipefail
cd "$(dirname "$0")/.."
table=${1:-scripts/packages.txt}

mapfile -t wanted < <(awk '!/^#/ && NF {print $1}' "$table")

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "cannot install packages: this is not Debian; provide the equivalents of $table: ${wanted[*]}" >&2
	echo "then run make again with SKIP_INSTALL=1" >&2
	exit 1
fi

# dpkg-query exits non-zero when a name is unknown to it, which is no error here.
installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null | awk '$2 == "installed" {print $1}') || true
missing=()
for name in "${wanted[@]}"; do
	grep -qxF -- "$name" <<<"$installed" || missing+=("$name")
done
if ((${#missing[@]} == 0)); then
	echo "packages: all ${#wanted[@]} are installed"
	exit 0
fi

root=()
if ((EUID != 0)); then
	if ! command -v sudo >/dev/null; then
		echo "cannot install ${missing[*]}: you are not root and there is no sudo; as root run: apt-get install --no-install-recommends ${missing[*]}" >&2
		exit 1
	fi
	root=(sudo)
fi

echo "packages: ${#missing[@]} of ${#wanted[@]} are missing and will be installed through apt-get${root:+ with sudo}:"
for name in "${missing[@]}"; do
	printf '  %-22s %s\n' "$name" "$(awk -v n="$name" '$1 == n {$1 = ""; sub(/^ /, ""); print}' "$table")"
done

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# apt prints pages nobody reads: they are kept, and shown when it fails.
apt() {
	if ! "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 "$@" >"$log" 2>&1; then
		cat "$log" >&2
		echo "cannot install ${missing[*]}: apt-get $1 failed, its words are above; mend that and run make install" >&2
		exit 1
	fi
}
apt update
apt install -y --no-install-recommends "${missing[@]}"
echo "packages: installed ${#missing[@]}"
