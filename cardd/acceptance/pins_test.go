package acceptance

import (
	"fmt"
	"regexp"
	"testing"
)

// triesLeft is what OpenSC shows of a PIN.
func (o *opensc) triesLeft(k key) string {
	o.Helper()
	section := regexp.MustCompile(`(?s)PIN \[` + k.name + `\].*?Tries left +: (\d+)`)
	found := section.FindStringSubmatch(o.run("pkcs15-tool", "--reader", o.reader, "--list-pins"))
	if found == nil {
		o.Fatalf("OpenSC shows no %s", k.name)
	}
	return found[1]
}

// present has OpenSC present a PIN and says whether the card took it.
func (o *opensc) present(k key, pin string) bool {
	o.Helper()
	_, ok := o.try("pkcs15-tool", "--reader", o.reader, "--auth-id", k.id, "--verify-pin", "--pin", pin)
	return ok
}

// TestWrongPINsCountDownAndBlock spends all tries through OpenSC, after a right PIN
// has refilled them once, and then asks the card itself.
func TestWrongPINsCountDownAndBlock(t *testing.T) {
	c := issue(t, "adult")
	for _, k := range bothKeys {
		t.Run(k.name, func(t *testing.T) {
			o := newOpenSC(t, insertCopy(t, c))
			spend := func(to int) {
				for n := k.tries - 1; n >= to; n-- {
					if o.present(k, k.wrong) {
						t.Fatal("a wrong PIN was taken")
					}
					if got, want := o.triesLeft(k), fmt.Sprint(n); got != want {
						t.Fatalf("%s tries left, want %s", got, want)
					}
				}
			}
			spend(1)
			if !o.present(k, k.pin(c)) || o.triesLeft(k) != fmt.Sprint(k.tries) {
				t.Fatalf("the right PIN left %s tries", o.triesLeft(k))
			}
			spend(0)
			if o.present(k, k.pin(c)) {
				t.Error("the right PIN was taken by a blocked reference")
			}
			w := connect(t, o.seat)
			w.app(aidJPKI)
			if got := w.left(k.pinFile); got != "63C0" {
				t.Errorf("blocked shows %s", got)
			}
			w.verify("6984", k.pinFile, k.pin(c)) // 6984, not 6983 (card fact sheet, 9)
			w.verify("6984", k.pinFile, k.wrong)
			w.ok("00A4020C02" + k.keyFile)
			w.want("6982", "802A008005040300000000")
		})
	}
}

// TestBlockedStaysBlockedWithoutPower: neither reset nor a night in a drawer helps.
func TestBlockedStaysBlockedWithoutPower(t *testing.T) {
	s := insertCopy(t, issue(t, "adult"))
	w := connect(t, s)
	w.app(aidJPKI)
	for _, sw := range []string{"63C2", "63C1", "63C0", "6984"} { // the failing try answers what is left
		w.verify(sw, authKey.pinFile, authKey.wrong)
	}
	w.reset()
	w.app(aidJPKI)
	if got := w.left(authKey.pinFile); got != "63C0" {
		t.Errorf("after a reset: %s", got)
	}
	again := load(t, s.state)
	w2 := connect(t, insert(t, borrow(t), again, s.state))
	w2.app(aidJPKI)
	w2.verify("6984", authKey.pinFile, issue(t, "adult").pins.Authentication)
	if got := w2.left(signKey.pinFile); got != "63C5" {
		t.Errorf("the other PIN shows %s", got)
	}
}

// TestEveryPINIsTheOrders presents each of everybody's PINs to every reference that
// should hold it; what a card does not have is blocked.
func TestEveryPINIsTheOrders(t *testing.T) {
	for _, who := range everybody {
		t.Run(who.person, func(t *testing.T) {
			c := issue(t, who.person)
			w := connect(t, insertCopy(t, c))
			for _, row := range []struct{ aid, id, pin, full string }{
				{aidJPKI, "0018", c.pins.Authentication, "63C3"}, {aidJPKI, "001B", c.pins.Signature, "63C5"},
				{aidText, "0011", c.pins.Text, "63C3"}, {aidResident, "001C", c.pins.Resident, "63C3"}, {aidCommon, "001C", c.pins.Resident, "63C3"},
			} {
				w.app(row.aid)
				if row.pin == "" {
					if got := w.left(row.id); got != "63C0" {
						t.Errorf("%s of %s, which nobody set, shows %s", row.id, row.aid, got)
					}
					continue
				}
				if got := w.left(row.id); got != row.full {
					t.Errorf("%s of %s shows %s, want %s", row.id, row.aid, got, row.full)
				}
				w.verify("9000", row.id, row.pin)
			}
		})
	}
}

// TestPINChange changes PINs as public clients do, with opensc-tool's raw commands,
// and then the old one is wrong and the new one right.
func TestPINChange(t *testing.T) {
	c := issue(t, "adult")
	rows := []struct{ name, aid, id, old, new, command string }{
		{"authentication", aidJPKI, "0018", c.pins.Authentication, "8520", "00240180"},
		{"signature", aidJPKI, "001B", c.pins.Signature, "NEWPIN123456789A", "00240180"},
		{"text", aidText, "0011", c.pins.Text, "1593", "00240180"},
		{"resident", aidResident, "001C", c.pins.Resident, "7416", "80320080"}, // CHANGE KEY (card fact sheet, 3)
		{"common", aidCommon, "001C", c.pins.Resident, "9638", "80320080"},
	}
	s := insertCopy(t, c)
	o := newOpenSC(t, s)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			o := o.in(t)
			lc := func(v string) string { return fmt.Sprintf("%02X%X", len(v), v) }
			said := o.run("opensc-tool", "--reader", o.reader, "--send-apdu", fmt.Sprintf("00A4040C0A%s", row.aid), "--send-apdu", "00A4020C02"+row.id,
				"--send-apdu", "00200080"+lc(row.old), "--send-apdu", row.command+lc(row.new))
			if n := len(regexp.MustCompile(`SW1=0x90, SW2=0x00`).FindAllString(said, -1)); n != 4 {
				t.Fatalf("%d of 4 commands were taken: %s", n, said)
			}
		})
	}
	w := connect(t, insert(t, borrow(t), load(t, s.state), s.state))
	for _, row := range rows {
		w.app(row.aid)
		full := w.left(row.id)
		if _, sw := w.send("00200080" + fmt.Sprintf("%02X%X", len(row.old), row.old)); sw[:3] != "63C" || sw == full {
			t.Errorf("%s: the old PIN answers %s", row.name, sw)
		}
		w.verify("9000", row.id, row.new)
		if got := w.left(row.id); got != full {
			t.Errorf("%s: the new PIN left %s, want %s", row.name, got, full)
		}
	}
}

// TestPINChangeNeedsTheOldOne: without VERIFY nothing changes.
func TestPINChangeNeedsTheOldOne(t *testing.T) {
	c := issue(t, "adult")
	w := connect(t, insertCopy(t, c))
	w.app(aidJPKI)
	w.ok("00A4020C020018")
	w.want("6982", "002401800438353230")
	w.verify("9000", "0018", c.pins.Authentication)
}
