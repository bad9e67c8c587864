package acceptance

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// TestCommonAndResidentApplications read what stands there: the manufacture record
// for everybody, the 住民票コード behind its PIN.
func TestCommonAndResidentApplications(t *testing.T) {
	for _, who := range everybody {
		t.Run(who.person, func(t *testing.T) {
			c := issue(t, who.person)
			w := connect(t, insertCopy(t, c))
			w.app(aidCommon)
			want := "\x01\x1C" + c.env["CARD_ID"][1:] + c.order.Municipality.Code + c.env["EXPIRY"]
			if got := w.ok("00B2010C00"); string(got) != want {
				t.Errorf("record 1 is %q", got)
			}
			w.app(aidResident)
			w.ok("00A4020C020001")
			w.want("6982", "00B0000000")
			if c.pins.Resident == "" {
				return
			}
			w.verify("9000", "001C", c.pins.Resident)
			if got := w.file("0001"); !bytes.HasPrefix(got, []byte("\xFF\x10\x0B"+c.order.Resident.ResidentCode)) {
				t.Errorf("code: %X", got)
			}
		})
	}
}

// TestDomainSaysWhoseCardItIs reads municipality, expiry and card number as anybody
// can while no application is selected.
func TestDomainSaysWhoseCardItIs(t *testing.T) {
	c := issue(t, "adult")
	w := connect(t, insertCopy(t, c))
	for tag, want := range map[string]string{"00F0": c.order.Municipality.Code, "00F2": c.env["EXPIRY"], "0045": c.env["CARD_ID"]} {
		got := w.ok("00CA" + tag + "00")
		if o, _, err := first(got); err == nil && o.tag == strings.TrimLeft(tag, "0") && len(o.raw) == len(got) {
			got = o.value
		}
		if string(got) != want {
			t.Errorf("GET DATA %s: %q, want %q", tag, got, want)
		}
	}
	if got := hex.EncodeToString(w.ok("00CA5F5100")); !strings.HasSuffix(got, strings.ToLower(c.env["ATR"][2:])) {
		t.Errorf("GET DATA 5F51: %s", got)
	}
}

// trap is one command on an issued card and what must come.
type trap struct {
	name    string
	before  []string // commands that must succeed
	command string
	want    string // status word, with "n " in front for so many bytes
}

// TestTraps are the answers at which clients have stumbled (card fact sheet, 1, 4.1
// and 9), through the whole PC/SC stack.
func TestTraps(t *testing.T) {
	c := issue(t, "adult")
	s := insertCopy(t, c)
	jpki, text, surface := "00A4040C0A"+aidJPKI, "00A4040C0A"+aidText, "00A4040C0A"+aidSurface
	pin := fmt.Sprintf("0020009804%X", c.pins.Authentication)
	sum := sha256.Sum256(message)
	info := fmt.Sprintf("3031300D060960864801650304020105000420%X", sum)
	size := len(c.certificate(t, "AUTH_CERT").Raw)
	rows := []trap{
		{"empty VERIFY after a right PIN", []string{jpki, pin}, "00200098", "63C3"},
		{"empty VERIFY as case 2", []string{jpki, pin}, "0020009800", "63C3"},
		{"status survives selecting the same AP again", []string{jpki, pin, jpki}, "802A009733" + info + "00", "256 9000"},
		{"status ends with another AP", []string{jpki, pin, text, jpki}, "802A009733" + info + "00", "6982"},
		{"status ends with the issuer domain", []string{jpki, pin, "00A4040C07" + aidDomain, jpki}, "802A009733" + info + "00", "6982"},
		{"read past the end", []string{jpki, "00A4020C02000A"}, fmt.Sprintf("00B0%04X10", size), "6B00"},
		{"short read at the end", []string{jpki, "00A4020C02000A"}, fmt.Sprintf("00B0%04X00", size-5), "5 9000"},
		{"extended Le beyond the end", []string{jpki, "00A4020C02000A"}, "00B0000000FFFF", fmt.Sprintf("%d 9000", size)},
		{"extended Lc", []string{jpki, pin}, "802A0097000033" + info + "0000", "256 9000"},
		{"245 bytes are signed verbatim", []string{jpki, pin}, "802A0097F5" + strings.Repeat("5A", 245) + "00", "256 9000"},
		{"246 bytes are not", []string{jpki, pin}, "802A0097F6" + strings.Repeat("5A", 246) + "00", "refused"},
		{"the number has 17 bytes", []string{text, fmt.Sprintf("0020009104%X", c.pins.Text)}, "00B0810000", "17 9000"},
		{"the token has 160 bytes", []string{jpki}, "00B0860000", "160 9000"},
		{"the presence file has 3", []string{jpki}, "00B0880000", "3 9000"},
		{"reading a PIN", []string{jpki, "00A4020C020018"}, "00B0000000", "6981"},
		{"an AID that is not there", nil, "00A4040C06D27600012401", "6A82"},
		{"an EF that is not there", []string{jpki}, "00A4020C020003", "6A82"},
		{"the master file by its identifier", []string{jpki}, "00A4000C023F00", "6A82"},
		{"no data with an AP current", []string{jpki}, "00A40000", "9000"},
		{"no data after reset", nil, "00A40000", "6A86"},
		{"a logical channel", nil, "01A4040C0A" + aidJPKI, "6881"},
		{"SELECT with P2 00 and Le", nil, "00A404000A" + aidText + "00", "9000"},
		{"the beginning of an AID", nil, "00A4040C08" + aidText[:16], "9000"},
		{"GET CHALLENGE", []string{jpki}, "0084000020", "32 9000"},
		{"INTERNAL AUTHENTICATE of the common AP", []string{"00A4040C0A" + aidCommon}, "0088009908" + "0102030405060708" + "00", "256 9000"},
		{"SET SESSION KEY in the face AP", []string{surface}, "80AE000001" + "0000", "66F1"},
		{"the key that is blocked as issued", []string{text, "00A4020C020012"}, "00200080", "63C0"},
		{"and its use", []string{text, "00A4020C020012"}, "002000800431323334", "6984"},
		{"writing without a channel", []string{jpki, "00A4020C02000A"}, "00D600000100", "6982"},
		{"resetting a PIN without a channel", []string{jpki}, "002C02980431323334", "6982"},
		{"making a key without a channel", []string{jpki}, "0047800005B60384011700", "6982"},
	}
	w := connect(t, s)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			w := &wire{t, w.card}
			w.reset()
			for _, command := range row.before {
				w.ok(command)
			}
			data, sw := w.send(row.command)
			got := sw
			if len(data) > 0 {
				got = fmt.Sprintf("%d %s", len(data), sw)
			}
			if row.want == "refused" && sw != "9000" {
				return
			}
			if got != row.want {
				t.Errorf("answered %s, want %s", got, row.want)
			}
		})
	}
}
