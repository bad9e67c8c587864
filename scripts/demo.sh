#!/bin/bash
# One application becomes one finished, proven card, and programs that nobody here
# wrote read and use it. Needs what `make install build` gives; starts and stops
# everything itself. Leaves demo/card.state, card.env, front.png, back.png,
# receipt.cose and trace.txt.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/bin
demo=$PWD/demo

if [[ -t 1 ]]; then bold=$'\033[1m' plain=$'\033[0m'; else bold='' plain=''; fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

# until_true SECONDS WHAT COMMAND...: waits for a condition, never for a time.
until_true() {
	local end=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		if ((SECONDS >= end)); then
			echo "demo: $what did not happen; see $demo/log" >&2
			exit 1
		fi
		read -rt 0.05 <> <(:) || true
	done
}

stop() {
	for p in $(jobs -p); do kill "$p" 2>/dev/null || true; done
	wait 2>/dev/null || true
	rm -rf "$work"
}

rm -rf "$demo"
mkdir -p "$demo/log"
work=$(mktemp -d) # sockets want short paths
trap stop EXIT
export CARDD_CONFIG=$work/cardd.toml
printf 'lab = true\nstate_dir = "state"\nsocket = "s"\n[station]\nname = "demo"\n' > "$CARDD_CONFIG"

say "1. A desk with virtual card readers, behind the real pcscd"
"$bin/cardsim" readers --dir "$work/desk" > "$work/desk.env" 2> "$demo/log/readers" &
until_true 20 "the start of pcscd" grep -q PCSCLITE_CSOCK_NAME "$work/desk.env"
# shellcheck disable=SC1091
. "$work/desk.env"
export PCSCLITE_CSOCK_NAME

say "2. A blank card in the first reader"
"$bin/cardsim" card --state "$demo/card.state" --new --vpcd "$VPCD_0" > "$demo/log/card" 2>&1 &
until_true 20 "the card's appearance in the reader" grep -q 'in the virtual reader' "$demo/log/card"
until_true 20 "the card's answer to reset" sh -c "'$bin/cardctl' readers --json | grep -q '\"present\": *true'"
"$bin/cardctl" readers

say "3. An invented applicant, and the station's daemon"
"$bin/cardsim" person adult --out "$work/adult"
"$bin/cardd" serve > "$demo/log/cardd" 2>&1 &
until_true 20 "the daemon's start" test -S "$work/s"

say "4. What would be done: a plan; nothing is written"
"$bin/cardctl" plan "$work/adult/order.json" | tail -n 12

say "5. The card is issued"
"$bin/cardctl" issue "$work/adult/order.json" --pins "$work/adult/pins.json" \
	--receipt "$demo/receipt.cose" --env "$demo/card.env" | tail -n 6
cp "$work"/state/faces/front-00001.png "$demo/front.png"
cp "$work"/state/faces/back-00001.png "$demo/back.png"
cp "$work"/state/trace/*.txt "$demo/trace.txt"
cp "$work/state/receipt.pub" "$demo/receipt.pub"

say "6. The receipt is verified"
"$bin/cardctl" receipt verify "$demo/receipt.cose" | sed -n 1,8p

say "7. A technician looks at the card, without the daemon"
"$bin/cardctl" card verify --pins "$work/adult/pins.json"

say "8. OpenSC, which nobody here wrote, recognises and reads the card"
opensc-tool -n
pkcs15-tool --dump > "$demo/log/pkcs15" 2>&1
grep -E 'X.509|Private RSA|PIN \[|Tries' "$demo/log/pkcs15"

say "9. OpenSC signs with the card, OpenSSL checks the signature"
# shellcheck disable=SC1091
. "$demo/card.env"
module=(/usr/lib/*/opensc-pkcs11.so)
printf 'a text to sign\n' > "$work/text"
sign() { # key id, PIN, certificate
	pkcs11-tool --module "${module[0]}" --login --pin "$2" --sign --mechanism SHA256-RSA-PKCS --id "$1" \
		${4:+--slot-index "$4"} --input-file "$work/text" --output-file "$work/signature" 2> "$demo/log/pkcs11-$1"
	openssl x509 -in "$3" -pubkey -noout > "$work/key.pem"
	openssl dgst -sha256 -verify "$work/key.pem" -signature "$work/signature" "$work/text"
}
sign 01 "$AUTH_PIN" "$AUTH_CERT" 0
sign 02 "$SIGN_PIN" "$SIGN_CERT" 1
openssl verify -CAfile "$AUTHCA_CERT" "$AUTH_CERT" | sed "s|$demo/||"
openssl verify -CAfile "$SIGNCA_CERT" "$SIGN_CERT" | sed "s|$demo/||"

say "Done."
cat <<END
An application for a My Number card became one finished, proven card: data written and read back, PINs set and
proven, keys made on the card, certificates loaded, the card locked, its face drawn, and a receipt signed. OpenSC then
recognised it, read its certificates and signed with both keys; OpenSSL found the signatures right. The resident is
invented.

  demo/card.state      the card
  demo/card.env        its values as shell variables, for other programs (invented, so they may be seen)
  demo/front.png       the printed face, front and back
  demo/back.png
  demo/receipt.cose    the signed receipt; demo/receipt.pub verifies it
  demo/trace.txt       the card session, lengths in place of data

To put this card into a virtual reader again, run readers and card each in a terminal of its own:

  bin/cardsim readers --dir /tmp/desk | tee /tmp/desk.env
  . /tmp/desk.env; bin/cardsim card --state demo/card.state --vpcd "\$VPCD_0"

and use it in a third:

  . /tmp/desk.env; export PCSCLITE_CSOCK_NAME
  bin/cardctl card show
END
