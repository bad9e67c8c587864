package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"jukicard/apdu/secret"
	"jukicard/cardd/internal/keys"
	"jukicard/pki/keystore"
	"jukicard/simulator"
	model "jukicard/simulator/escpos"
	"jukicard/simulator/lines"
)

// keyDesk sets the environment to a laboratory with an embedded key store and gives its
// state directory.
func keyDesk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	credential := filepath.Join(dir, "credential")
	if err := os.WriteFile(credential, bytes.Repeat([]byte{0x3C}, 32), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"CARDD_STATE_DIR": filepath.Join(dir, "state"), "CARDD_SOCKET": filepath.Join(dir, "s"), "CARDD_STATION_NAME": "市民課 窓口1",
		"CARDD_GP_KEY_STORE": "file", "CARDD_GP_FILE_CREDENTIAL": credential, "CARDD_GP_FILE_PATH": filepath.Join(dir, "keys"),
	} {
		t.Setenv(name, value)
	}
	return filepath.Join(dir, "state")
}

// forms are what three custodians have on paper, and the key they make.
func forms(size int) (parts []string, kcvs []keystore.KCV, key keystore.KCV, master secret.Bytes) {
	sum := make([]byte, size)
	for i := range custodians {
		part := bytes.Repeat([]byte{0xA1 + 0x13*byte(i), 0x5F ^ byte(i)}, size/2)
		for j := range sum {
			sum[j] ^= part[j]
		}
		kcv, _ := keystore.KCVOf(secret.New(part))
		parts, kcvs = append(parts, fmt.Sprintf("%X", part)), append(kcvs, kcv)
	}
	master = secret.New(sum)
	key, _ = keystore.KCVOf(master)
	return parts, kcvs, key, master
}

// typed is what the custodians type.
func typed(size int) string {
	parts, kcvs, _, _ := forms(size)
	var b strings.Builder
	for i, name := range []string{"管理 一郎", "管理 二郎", "管理 三郎"} {
		fmt.Fprintf(&b, "%s\n%s\n%s\n", name, parts[i], kcvs[i])
	}
	return b.String()
}

var ceremonyArgs = []string{"key", "ceremony", "--version", "31", "--officer", "山田 太郎", "--witness", "山田 花子"}

var rotateArgs = []string{"key", "rotate", "--officer", "山田 太郎", "--witness", "山田 花子"}

func with(args []string, more ...string) []string {
	return append(append([]string(nil), args...), more...)
}

func listed(t *testing.T) (rows []keyRow) {
	t.Helper()
	c := newConsole(deskWith()).do(t, 0, "--json", "key", "list")
	if err := json.Unmarshal(c.out.Bytes(), &rows); err != nil {
		t.Fatalf("%v in %s", err, &c.out)
	}
	return rows
}

func TestCeremonyOfComponents(t *testing.T) {
	state := keyDesk(t)
	for i, size := range []int{16, 24, 32} {
		_, kcvs, want, _ := forms(size)
		version := fmt.Sprintf("3%d", i+1)
		args := with(ceremonyArgs, "--bits", fmt.Sprint(8*size), "--expect", want.String()[:6], "--version", version, "--record", filepath.Join(state, "paper.txt"))
		c := newConsole(deskWith()).types(typed(size)).do(t, 0, args...)
		if !strings.Contains(c.out.String(), "Check value of the key: "+want.String()) {
			t.Errorf("%s", &c.out)
		}
		if rows := listed(t); len(rows) != i+1 || rows[i] != (keyRow{"master", version, "issuer domain", 8 * size, want.String()}) {
			t.Errorf("%+v", rows)
		}
		record, err := os.ReadFile(filepath.Join(state, "paper.txt"))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{"管理 三郎", "山田 太郎", "山田 花子", "市民課 窓口1", want.String(), kcvs[2].String(), fmt.Sprintf("AES-%d", 8*size)} {
			if !strings.Contains(string(record), s) {
				t.Errorf("the record does not say %q:\n%s", s, record)
			}
		}
		noMaterial(t, state, c, size)
	}
}

// noMaterial searches all that a ceremony wrote and printed.
func noMaterial(t *testing.T, state string, c *console, size int) {
	t.Helper()
	parts, _, _, master := forms(size)
	_ = master.Lend(func(b []byte) error { parts = append(parts, fmt.Sprintf("%X", b)); return nil })
	texts := map[string]string{"out": c.out.String(), "err": c.err.String()}
	files, _ := filepath.Glob(state + "/*/*")
	for _, f := range append(files, filepath.Dir(state)+"/keys") {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		texts[f] = string(b)
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info.Mode(), err)
		}
	}
	if len(texts) < 5 {
		t.Fatalf("only %d places were searched", len(texts))
	}
	for where, text := range texts {
		for _, p := range parts {
			raw, _ := hex.DecodeString(p)
			if strings.Contains(strings.ToUpper(text), p[:12]) || strings.Contains(text, string(raw[:6])) {
				t.Errorf("%s holds key material", where)
			}
		}
	}
}

func TestCeremonyOfRandomAndTransport(t *testing.T) {
	keyDesk(t)
	newConsole(deskWith()).do(t, 0, with(ceremonyArgs, "--from", "random")...)
	args := []string{"key", "ceremony", "--transport", "from the ministry", "--bits", "128", "--officer", "a", "--witness", "b", "--expect"}
	_, _, want, master := forms(16)
	newConsole(deskWith()).types(typed(16)).do(t, 0, with(args, want.String())...)
	rows := listed(t)
	if len(rows) != 2 || rows[0].Bits != 256 || rows[1] != (keyRow{"transport", "", "from the ministry", 128, want.String()}) {
		t.Fatalf("%+v", rows)
	}
	_ = master
	c := newConsole(deskWith()).do(t, 0, "key", "list")
	if !strings.Contains(c.out.String(), "check value") || !strings.Contains(c.out.String(), rows[0].KCV) {
		t.Errorf("%s", &c.out)
	}
}

// TestCeremonyOfAWrappedKey: RFC 3394, 4.6 as the key and its wrapping.
func TestCeremonyOfAWrappedKey(t *testing.T) {
	keyDesk(t)
	kek, _ := hex.DecodeString("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F")
	key, _ := hex.DecodeString("00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F")
	const wrapped = "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21"
	kekKCV, _ := keystore.KCVOf(secret.New(kek))
	kcv, _ := keystore.KCVOf(secret.New(key))
	part, other := make([]byte, 32), bytes.Repeat([]byte{0x0F}, 32)
	for i := range part {
		part[i] = kek[i] ^ 0x0F ^ 0xF0
	}
	third := bytes.Repeat([]byte{0xF0}, 32)
	var b strings.Builder
	for i, p := range [][]byte{part, other, third} {
		k, _ := keystore.KCVOf(secret.New(p))
		fmt.Fprintf(&b, "person %d\n%x\n%v\n", i, p, k)
	}
	newConsole(deskWith()).types(b.String()).do(t, 0, "key", "ceremony", "--transport", "post", "--officer", "a", "--witness", "b", "--expect", kekKCV.String())

	file := filepath.Join(t.TempDir(), "wrapped.json")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := with(ceremonyArgs, "--from", "wrapped", "--file", file, "--under", "post")
	for name, row := range map[string]struct {
		text   string
		status int
		says   string
	}{
		"another check value": {`{"method":"aes-key-wrap","size":32,"data":"` + wrapped + `","kcv":"0011223344"}`, exitFailed, "PKI-KEYS-CHECK-VALUE"},
		"changed data":        {`{"method":"aes-key-wrap","size":32,"data":"29` + wrapped[2:] + `","kcv":"` + kcv.String() + `"}`, exitFailed, "PKI-KEYS-CHECK-VALUE"},
		"an unknown field":    {`{"method":"aes-key-wrap","key":"00"}`, exitRefused, "unknown field"},
		"another length":      {`{"method":"aes-key-wrap","size":16,"data":"` + wrapped + `","kcv":"` + kcv.String() + `"}`, exitRefused, "40 bytes, a key of 16 has 24"},
		"half a check value":  {`{"method":"aes-key-wrap","size":32,"data":"` + wrapped + `","kcv":"` + kcv.String()[:6] + `"}`, exitRefused, "10 hexadecimal digits"},
		"two keys":            {`{"method":"aes-key-wrap"}{}`, exitRefused, "stands behind it"},
		"no JSON":             {`x`, exitRefused, "cannot read wrapped key"},
	} {
		t.Run(name, func(t *testing.T) {
			write(row.text)
			if c := newConsole(deskWith()).do(t, row.status, args...); !strings.Contains(c.err.String(), row.says) {
				t.Errorf("%s", &c.err)
			}
		})
	}
	write(`{"method":"aes-key-wrap","size":32,"data":"` + wrapped + `","kcv":"` + kcv.String() + `"}`)
	newConsole(deskWith()).do(t, exitFailed, with(args, "--expect", "001122")...)
	newConsole(deskWith()).do(t, 0, with(args, "--expect", kcv.String())...)
	if rows := listed(t); len(rows) != 2 || rows[0].KCV != kcv.String() {
		t.Errorf("%+v", rows)
	}
}

func TestCeremonyRefuses(t *testing.T) {
	parts, kcvs, want, _ := forms(32)
	line := func(name string, i, k int) string {
		return fmt.Sprintf("%s\n%s\n%v\n", name, parts[i], kcvs[k])
	}
	good := with(ceremonyArgs, "--expect", want.String())
	for _, row := range []struct {
		name, types string
		status      int
		says        string
		args        []string
	}{
		{"one person", "", exitFailed, "PKI-KEYS-SAME-PERSON", with(good, "--witness", "山田　太郎")},
		{"one person in full width", "", exitFailed, "PKI-KEYS-SAME-PERSON", with(good, "--officer", "Yamada Taro", "--witness", "ＹＡＭＡＤＡ ＴＡＲＯ")},
		{"nobody", "", exitRefused, "two persons are wanted", with(good, "--witness", " ")},
		{"a custodian with two components", line("a", 0, 0) + line("A", 1, 1), exitFailed, "PKI-KEYS-SAME-PERSON", good},
		{"a component twice", line("a", 0, 0) + line("b", 0, 0), exitFailed, "component 2 is that of a", good},
		{"wrong components three times", "a\n" + strings.Repeat(parts[0]+"\nAABBCC\n", 3), exitFailed, "component 1, 3 times", good},
		{"zeros", "a\n" + strings.Repeat(strings.Repeat("0", 64)+"\n", 3), exitFailed, "PKI-KEYS-CHECK-VALUE", good},
		{"no digits", "a\n" + strings.Repeat("not hexadecimal\n", 3), exitFailed, "PKI-KEYS-CHECK-VALUE", good},
		{"another key", line("a", 0, 0) + line("b", 1, 1) + line("c", 2, 2), exitFailed, "PKI-KEYS-CHECK-VALUE", with(ceremonyArgs, "--expect", "010203")},
		{"components that make zeros", zeros(), exitFailed, "would be zeros", with(ceremonyArgs, "--expect", "010203")},
		{"a random key with a value", "", exitRefused, "leave --expect out", with(good, "--from", "random")},
		{"two printers", "", exitRefused, "on both", with(good, "--slip", "usb", "--page", "ipp://localhost/printers/a")},
		{"a slip printer that is none", "", exitRefused, "lpt1", with(good, "--slip", "lpt1")},
		{"a page printer that is none", "", exitRefused, "ipp://", with(good, "--page", "http://localhost")},
		{"nobody at the keyboard", "a\n", exitRefused, "nothing to read the answer from", good},
		{"no version", "", exitRefused, "--version", []string{"key", "ceremony", "--officer", "a", "--witness", "b"}},
		{"version 80", "", exitRefused, "--version", with(good, "--version", "80")},
		{"a version of a transport key", "", exitRefused, "a label alone", with(good, "--transport", "x")},
		{"a short key", "", exitRefused, "--bits", with(good, "--bits", "64")},
		{"no such source", "", exitRefused, "--from", with(good, "--from", "thin air")},
		{"a file for components", "", exitRefused, "go together", with(good, "--file", "x", "--under", "y")},
		{"a label in kanji", "", exitRefused, "printable ASCII", with(good, "--label", "鍵")},
	} {
		t.Run(row.name, func(t *testing.T) {
			state := keyDesk(t)
			c := newConsole(deskWith()).types(row.types).do(t, row.status, row.args...)
			if !strings.Contains(c.err.String(), row.says) {
				t.Errorf("%s", &c.err)
			}
			if _, err := os.Stat(filepath.Dir(state) + "/keys"); err == nil && len(listed(t)) != 0 {
				t.Errorf("something was kept: %+v", listed(t))
			}
		})
	}
}

// zeros is what three custodians type whose components take each other out.
func zeros() string {
	var b strings.Builder
	for i, fill := range []byte{0x0F, 0xF0, 0xFF} {
		part := bytes.Repeat([]byte{fill}, 32)
		kcv, _ := keystore.KCVOf(secret.New(part))
		fmt.Fprintf(&b, "person %d\n%X\n%v\n", i, part, kcv)
	}
	return b.String()
}

// TestNothingToCopyFromTheScreen: what a check value is compared with is asked for before
// it is shown, and a component's never is.
func TestNothingToCopyFromTheScreen(t *testing.T) {
	keyDesk(t)
	parts, kcvs, want, _ := forms(32)
	wrong := fmt.Sprintf("管理 一郎\n%s\n%s\n%s\n%s\n", parts[0], "AABBCC", parts[0], kcvs[0])
	rest := strings.SplitAfterN(typed(32), "\n", 4)[3]
	c := newConsole(deskWith()).types(wrong+rest+want.String()+"\n").do(t, 0, ceremonyArgs...)
	if strings.Contains(c.err.String(), kcvs[0].String()) || !strings.Contains(c.err.String(), "another check value than the form says") {
		t.Errorf("%s", &c.err)
	}
	var both bytes.Buffer
	c = newConsole(deskWith()).types(typed(32) + "010203\n")
	c.app.out, c.app.err = &both, &both
	if status := c.run(t.Context(), with(ceremonyArgs, "--version", "32")); status != exitFailed {
		t.Errorf("exit status %d", status)
	}
	asked, shown := strings.Index(both.String(), "Expected check value"), strings.Index(both.String(), want.String())
	if asked < 0 || shown < asked {
		t.Errorf("asked at %d, shown at %d:\n%s", asked, shown, &both)
	}
}

// TestRecordIsAPageAndASlip: it is kept as a page, and comes out of the printer named.
func TestRecordIsAPageAndASlip(t *testing.T) {
	state := keyDesk(t)
	m := model.New(model.Options{})
	cable, err := lines.NewTCP(m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cable.Unplug() })
	address := "tcp:" + strings.Fields(cable.Dialer().String())[1]
	c := newConsole(deskWith()).do(t, 0, with(ceremonyArgs, "--from", "random", "--slip", address)...)
	if slips := m.Slips(); len(slips) != 1 || slips[0].Rect.Dy() < 700 {
		t.Errorf("%d slips", len(slips))
	}
	path := filepath.Join(state, "ceremonies", "master-31.pdf")
	if page, err := os.ReadFile(path); err != nil || !bytes.HasPrefix(page, []byte("%PDF-1.4")) || !strings.Contains(c.out.String(), path) {
		t.Errorf("%d bytes, %v: %s", len(page), err, &c.out)
	}
	if err := cable.Unplug(); err != nil { // the printer is gone: the key and its record are not
		t.Fatal(err)
	}
	c = newConsole(deskWith()).do(t, exitFailed, with(ceremonyArgs, "--version", "32", "--from", "random", "--slip", address)...)
	if !strings.Contains(c.err.String(), "PRINT-FAILED") || !strings.Contains(c.err.String(), "master-32.pdf") {
		t.Errorf("%s", &c.err)
	}
	var done ceremony
	if found, err := loadState(filepath.Join(state, "ceremonies", "master-32.json"), &done); !found || err != nil || done.Stage != stageDone || len(listed(t)) != 2 {
		t.Errorf("%+v, %v", done, err)
	}
}

// TestLongestRecordFitsThePage: three custodians with long names and a long label.
func TestLongestRecordFitsThePage(t *testing.T) {
	c := ceremony{From: fromComponents, Use: "transport", Label: strings.Repeat("x", 64), Bits: 256, KCV: "0011223344", Expected: "0011223344",
		persons: persons{strings.Repeat("山", 30), strings.Repeat("田", 30)}, Custodians: slices.Repeat([]custodian{{Name: strings.Repeat("管", 30), KCV: "0011223344"}}, custodians)}
	text := c.text(strings.Repeat("窓", 30), "token \""+strings.Repeat("x", 32)+"\" of /usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")
	for i, line := range strings.Split(string(text), "\n") {
		if len(line) > 200 {
			t.Errorf("line %d is long: %s", i, line)
		}
	}
	const font = "/usr/share/fonts/truetype/ipamj/ipamjm.ttf"
	if pages := recordPages(text); len(pages) != 1 {
		t.Errorf("%d pages", len(pages))
	} else if _, err := pdfOf(pages, font); err != nil {
		t.Error(err)
	}
	many := turned{persons: c.persons, to: 0x31, cards: slices.Repeat([]rotation{{Card: "0999000000000000", From: "30", To: "31"}}, 100)}
	pages := recordPages(many.text("窓口1", "keys", time.Unix(0, 0)))
	if document, err := pdfOf(pages, font); err != nil || len(pages) != 3 || !bytes.Contains(document, []byte("/Count 3")) {
		t.Errorf("%d pages: %v", len(pages), err)
	}
}

// TestRecordIsNotWrittenOver: the key of that version was removed and another came in.
func TestRecordIsNotWrittenOver(t *testing.T) {
	state := keyDesk(t)
	newConsole(deskWith()).do(t, 0, with(ceremonyArgs, "--from", "random")...)
	before := listed(t)[0].KCV
	remove := func(r *keyRoom) error {
		return r.store.(keystore.Keeper).Destroy(t.Context(), keystore.ID{Use: keystore.Master, Version: 0x31, Label: "issuer domain"})
	}
	if err := newConsole(deskWith()).withKeys(keys.Open, remove); err != nil {
		t.Fatal(err)
	}
	newConsole(deskWith()).do(t, 0, with(ceremonyArgs, "--from", "random")...)
	var all strings.Builder
	files, _ := filepath.Glob(filepath.Join(state, "ceremonies", "*.txt"))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	if len(files) != 2 || !strings.Contains(all.String(), before) || !strings.Contains(all.String(), listed(t)[0].KCV) {
		t.Errorf("%v", files)
	}
}

func TestAVersionIsTakenOnce(t *testing.T) {
	keyDesk(t)
	newConsole(deskWith()).do(t, 0, with(ceremonyArgs, "--from", "random")...)
	before := listed(t)
	for _, from := range []string{"random", "components"} {
		c := newConsole(deskWith()).do(t, exitFailed, with(ceremonyArgs, "--from", from)...)
		if !strings.Contains(c.err.String(), "PKI-KEYS-TAKEN") || !strings.Contains(c.err.String(), before[0].KCV) {
			t.Errorf("%s", &c.err)
		}
	}
	if after := listed(t); len(after) != 1 || after[0] != before[0] {
		t.Errorf("%+v, before %+v", after, before)
	}
}

// fieldCard is a card with the issuer's keys of version 30, and no laboratory's.
func fieldCard(t *testing.T, stateFile string, master secret.Bytes) *simulator.Card {
	t.Helper()
	c, err := simulator.NewBlank(simulator.Options{Master: master, StateFile: stateFile})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// rotationStore brings master 30, of known components, and a random 31 in, and gives 30.
func rotationStore(t *testing.T) secret.Bytes {
	t.Helper()
	_, _, want, master := forms(32)
	newConsole(deskWith()).types(typed(32)).do(t, 0, with(ceremonyArgs, "--version", "30", "--expect", want.String())...)
	newConsole(deskWith()).do(t, 0, with(ceremonyArgs, "--version", "31", "--from", "random")...)
	return master
}

func cardNumber(t *testing.T, c simulator.ProcessingCard) string {
	t.Helper()
	answer := bytes.Clone(c.Process([]byte{0x00, 0xCA, 0x00, 0x45, 0x00}))
	c.Reset()
	return string(answer[:len(answer)-2])
}

func TestRotate(t *testing.T) {
	state := keyDesk(t)
	master := rotationStore(t)
	card := fieldCard(t, "", master)
	id, desk := cardNumber(t, card), deskWith(card)
	for range 2 { // the second time there is nothing to do
		c := newConsole(desk).do(t, 0, with(rotateArgs, id, "--to", "31")...)
		if !strings.Contains(c.out.String(), "Card "+id+" has keys of version 31") {
			t.Errorf("%s", &c.out)
		}
	}
	var left rotation
	if found, err := loadState(filepath.Join(state, "rotations", id+".json"), &left); !found || err != nil || left.Stage != rotationDone || left.To != "31" || left.Witness != "山田 花子" {
		t.Errorf("%+v, %v", left, err)
	}
	rotationRecords(t, state, id+"  30 -> 31", id+"  31 -> 31")
	newConsole(desk).do(t, 0, with(rotateArgs, id, "--to", "30")...) // and back
	for name, row := range map[string]struct {
		status int
		says   string
		args   []string
	}{
		"another card": {exitFailed, "not one of those named", []string{"0999000000000000", "--to", "31"}},
		"no master":    {exitFailed, "PKI-KEYS-NONE", []string{id, "--to", "32"}},
		"no version":   {exitRefused, "--to", []string{id}},
		"no card":      {exitRefused, "arg", []string{"--to", "31"}},
		"one person":   {exitFailed, "PKI-KEYS-SAME-PERSON", []string{id, "--to", "31", "--witness", "山田　太郎"}},
		"nobody else":  {exitRefused, "two persons are wanted", []string{id, "--to", "31", "--witness", ""}},
		"no printer":   {exitRefused, "ipp://", []string{id, "--to", "31", "--page", "lpt1"}},
	} {
		if c := newConsole(desk).do(t, row.status, with(rotateArgs, row.args...)...); !strings.Contains(c.err.String(), row.says) {
			t.Errorf("%s: %s", name, &c.err)
		}
	}
}

// rotationRecords wants one record for each run, with these lines, as text and as page.
func rotationRecords(t *testing.T, state string, lines ...string) {
	t.Helper()
	texts, _ := filepath.Glob(filepath.Join(state, "rotations", "record-*.txt"))
	pages, _ := filepath.Glob(filepath.Join(state, "rotations", "record-*.pdf"))
	if len(texts) != len(lines) || len(pages) != len(lines) {
		t.Fatalf("%v, %v", texts, pages)
	}
	for i, f := range texts { // by time
		b, err := os.ReadFile(f)
		for _, want := range []string{lines[i], "Officer (責任者): 山田 太郎", "Witness (立会人): 山田 花子", "To version (切替後の版):", "signature (署名): ____"} {
			if err != nil || !strings.Contains(string(b), want) {
				t.Errorf("%s does not say %q: %v\n%s", f, want, err, b)
			}
		}
	}
}

// TestRecordOfTheCardsThatWereChanged is kept when a later card cannot be.
func TestRecordOfTheCardsThatWereChanged(t *testing.T) {
	state := keyDesk(t)
	card := fieldCard(t, "", rotationStore(t))
	id := cardNumber(t, card)
	c := newConsole(deskWith(card)).do(t, exitRefused, with(rotateArgs, id, "0999000000000000", "--to", "31")...) // the next card never comes
	if !strings.Contains(c.out.String(), "Card "+id) || !strings.Contains(c.err.String(), "nothing to read the answer from") {
		t.Errorf("%s%s", &c.out, &c.err)
	}
	rotationRecords(t, state, id+"  30 -> 31")
}

// TestRotateLeavesACardOfOthersAlone: keys of the version that this store's master did
// not make.
func TestRotateLeavesACardOfOthersAlone(t *testing.T) {
	keyDesk(t)
	rotationStore(t)
	card := fieldCard(t, "", secret.New(bytes.Repeat([]byte{9}, 16)))
	c := newConsole(deskWith(card)).do(t, exitFailed, with(rotateArgs, cardNumber(t, card), "--to", "31")...)
	if !strings.Contains(c.err.String(), "PKI-KEYS-ROTATION") || !strings.Contains(c.err.String(), "nothing was removed") {
		t.Errorf("%s", &c.err)
	}
}
