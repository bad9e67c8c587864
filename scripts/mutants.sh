#!/usr/bin/env bash
# Switches off, one at a time and in a copy of the tree, what keeps a card from being
# lost or made wrong, and requires that the fault suite notices each. One line a
# mutant: the test that caught it, or SURVIVED. A mutant whose text is not found any
# more, or that does not build, ends the run: a script that mutates nothing would say
# that all is well.
#
#   scripts/mutants.sh          every mutant
#   scripts/mutants.sh counter  those with that word in their name
set -euo pipefail
cd "$(dirname "$0")/.."
only=${1:-}

copy=$(mktemp -d "${TMPDIR:-/tmp}/cardd-mutants-XXXXXX")
trap 'rm -rf "$copy"' EXIT
git ls-files -z | while IFS= read -r -d '' f; do
	[[ ! -e $f ]] || printf '%s\0' "$f"
done | tar -cf - --null -T - | tar -xf - -C "$copy"

# Every fault at every seventh command, and all that is tried around the card. It ends
# with the first test that fails.
suite() {
	(cd "$copy" && CGO_ENABLED=1 go test -count=1 -vet=off -failfast -timeout 20m ./cardd/faults \
		-run 'Single|Jam|Death|Outage|Elsewhere' -faults.stride=7) >"$copy/out" 2>&1
}

# change FILE FROM TO puts TO in the place of FROM, which stands there once.
changed=()
change() {
	changed+=("$1")
	[[ -e $copy/$1.kept ]] || cp "$copy/$1" "$copy/$1.kept"
	FROM=$2 TO=$3 perl -0pi -e 'BEGIN { $n = 0 } $n += s/\Q$ENV{FROM}\E/$ENV{TO}/g; END { $? = $n != 1 }' "$copy/$1" || {
		echo "mutants: $1 does not hold, or not just once, what \"$name\" is to switch off; mend scripts/mutants.sh:"
		echo "$2"
		exit 1
	}
}

mutants=0 caught=0
# mutant NAME FILE FROM TO [FILE FROM TO]... makes a mutant and expects the suite to fail.
mutant() {
	name=$1
	shift
	[[ $name == *"$only"* ]] || return 0
	mutants=$((mutants + 1))
	changed=()
	while (($#)); do
		change "$1" "$2" "$3"
		shift 3
	done
	if ! (cd "$copy" && CGO_ENABLED=1 go build ./cardd/internal/... ./cardd/plan) >"$copy/out" 2>&1; then
		cat "$copy/out"
		echo "mutants: \"$name\" does not build"
		exit 1
	fi
	if suite; then
		echo "SURVIVED: $name"
	elif ! by=$(grep -m1 -oP '^--- FAIL: \K\w+' "$copy/out"); then
		cat "$copy/out"
		echo "mutants: the suite ended on \"$name\" without a failed test"
		exit 1
	else
		caught=$((caught + 1))
		echo "caught by $by: $name"
	fi
	for f in "${changed[@]}"; do
		[[ ! -e $copy/$f.kept ]] || mv "$copy/$f.kept" "$copy/$f"
	done
}

if ! suite; then
	cat "$copy/out"
	echo "mutants: the suite fails without any"
	exit 1
fi

station=cardd/internal/station

mutant "the probe after a doubt: the card is taken for blank, whatever it shows" \
	$station/submit.go \
	$'\tr.recall()\n\treturn r.build(seen)' \
	$'\tr.recall()\n\tseen.LifeCycle, seen.Objects = r.profile.Domain.Blank, nil\n\treturn r.build(seen)'

mutant "the re-verify after writing: what is read back is not compared" \
	$station/perform.go \
	'if !bytes.Equal(got, want) {' 'if !bytes.Equal(got, want) && len(got) < 0 {'

mutant "the PIN counter: a reference that lost a try is as good as one that did not" \
	cardd/plan/build.go \
	'b.seen.Objects[on].Value >= ref.Tries' 'b.seen.Objects[on].Value >= min(ref.Tries, 0)' \
	$station/perform.go \
	'state.Value != rule.Tries' 'state.Value > rule.Tries'

mutant "the printer's counter: a print that was lost was no print" \
	$station/print.go \
	'return st.Since(before)' 'return min(st.Since(before), printer.SurfaceBlank)' \
	$station/print.go \
	$'\t\treturn surface\n' $'\t\treturn min(surface, printer.SurfaceBlank)\n'

mutant "the doubt: a lost answer was a good one" \
	$station/station.go \
	$'\tif out.Result == issue.Doubt {\n\t\tr.drop(reader.Reset)' \
	$'\tif out.Result == issue.Doubt {\n\t\tout.Result = issue.OK'

mutant "the doubt: a lost answer was a refusal" \
	$station/station.go \
	$'\tif out.Result == issue.Doubt {\n\t\tr.drop(reader.Reset)' \
	$'\tif out.Result == issue.Doubt {\n\t\tout.Result = issue.Refused\n\t\tr.drop(reader.Reset)'

mutant "the idempotent ID: every asking of the authority is a new one" \
	$station/dossier.go \
	'ID: o.ID + "/" + d.cardID + "/" + string(p),' \
	'ID: o.ID + "/" + d.cardID + "/" + string(p) + time.Now().Format("150405.000000000"),'

echo "mutants: $mutants mutants, $caught caught"
((mutants > 0 && caught == mutants))
