package acceptance

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // reads the journal's file

	"jukicard/apdu/scp03"
	"jukicard/apdu/secret"
	"jukicard/cardd/client"
	"jukicard/simulator/vpcd"
)

// refusals hands in orders and PINs that are wrong, through the command line and
// straight to the API, and gives the values that were wrong.
func (tr *trial) refusals() (wrong []canary) {
	tr.Helper()
	b := tr.bird
	number := b.number[:11] + string(rune('0'+(b.number[11]-'0'+1)%10))
	lower := strings.ToLower(b.secrets.Signature)
	rows := []struct {
		name  string
		order func(o, resident map[string]any)
		pins  func(p map[string]string)
	}{
		{name: "wrong check digit", order: func(_, r map[string]any) { r["my_number"] = number }},
		{name: "unprintable name", order: func(_, r map[string]any) { r["name"] = b.name + "\u0007" }},
		{name: "half-width address", order: func(_, r map[string]any) { r["address"] = b.address + "1" }},
		{name: "a value as a field's name", order: func(o, _ map[string]any) { o[b.code] = b.number }},
		{name: "product against age", order: func(o, _ map[string]any) { o["product"] = "infant" }},
		{name: "lower-case PIN", pins: func(p map[string]string) { p["signature"] = lower }},
		{name: "PIN missing", pins: func(p map[string]string) { delete(p, "text") }},
		{name: "PIN as a class", pins: func(p map[string]string) { p[b.secrets.Signature] = b.secrets.Text }},
	}
	for _, row := range rows {
		dir := filepath.Join(b.dir, "refused")
		order, pins := b.spoilt(tr, dir, row.order, row.pins)
		if said, ok := tr.cardctl("issue", order, "--pins", pins); ok {
			tr.Errorf("%s was issued: %s", row.name, said)
		}
		tr.rejected(row.name, order, pins)
	}
	tr.refused("READER-NO-CARD", "issue", b.order, "--pins", b.pins)
	return []canary{
		{name: "個人番号 with a wrong check digit", value: []byte(number), digits: true, text: true},
		{name: "PIN in lower case", value: []byte(lower), text: true},
	}
}

// rejected sends files to the API as they are.
func (tr *trial) rejected(name, order, pins string) {
	tr.Helper()
	o, p := must(os.ReadFile(order)), must(os.ReadFile(pins))
	_, err := client.New(tr.d.socket()).Issue(tr.Context(), o, p, false)
	if err == nil {
		tr.Errorf("%s: the API took it", name)
		return
	}
	tr.said.WriteString(err.Error())
	if f, ok := err.(*client.Failure); ok {
		_ = json.NewEncoder(&tr.said).Encode(f) // into memory
	}
}

// spoilt writes altered copies of the files.
func (b *bird) spoilt(t testing.TB, dir string, order func(o, r map[string]any), pins func(map[string]string)) (orderFile, pinsFile string) {
	t.Helper()
	var o map[string]any
	var p map[string]string
	if err := json.Unmarshal(must(os.ReadFile(b.order)), &o); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(must(os.ReadFile(b.pins)), &p); err != nil {
		t.Fatal(err)
	}
	if order != nil {
		order(o, o["resident"].(map[string]any))
	}
	if pins != nil {
		pins(p)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	orderFile, pinsFile = filepath.Join(dir, "order.json"), filepath.Join(dir, "pins.json")
	keep(t, orderFile, must(json.Marshal(o)))
	keep(t, pinsFile, must(json.Marshal(p)))
	keep(t, filepath.Join(dir, "photo.jpg"), b.photo)
	return orderFile, pinsFile
}

// fragile is a card that is pulled out at one of its commands, whose answer is lost.
type fragile struct {
	vpcd.Card
	left int
	pull context.CancelFunc
}

func (f *fragile) Process(command []byte) []byte {
	if f.left--; f.left == 0 {
		f.pull()
	}
	return f.Card.Process(command)
}

// tornAt is a command in the middle of an issue.
const tornAt = 60

// torn has the card pulled half way, looks at the job that is held, and fails to let
// it go on without a card.
func (tr *trial) torn() {
	tr.Helper()
	b := tr.bird
	tr.done("plan", b.order)
	s := &seat{slot: tr.slot, reader: readers.Reader(tr.slot)}
	ctx, pull := context.WithCancel(tr.Context())
	s.card = &fragile{tr.card, tornAt, pull}
	remove, err := s.insertUntil(ctx, pull)
	if err != nil {
		tr.Fatal(err)
	}
	tr.refused("READER-CARD-REMOVED", "issue", b.order, "--pins", b.pins)
	if err := remove(); err != nil {
		tr.Fatal(err)
	}
	tr.refused("READER-CARD-REMOVED", "issue", b.order, "--pins", b.pins)
	tr.done("job", "show", tr.job())
}

// job is the number of the only job.
func (tr *trial) job() string {
	tr.Helper()
	var jobs []client.Job
	if err := json.Unmarshal([]byte(tr.done("jobs", "--json")), &jobs); err != nil || len(jobs) != 1 {
		tr.Fatalf("%d jobs, %v", len(jobs), err)
	}
	return jobs[0].ID
}

// issued puts the card back, lets the job go on, and asks for everything that there
// is to ask about it.
func (tr *trial) issued() {
	tr.Helper()
	b := tr.bird
	s := &seat{slot: tr.slot, reader: readers.Reader(tr.slot), card: tr.card}
	remove, err := s.insert()
	tr.Cleanup(func() { _ = remove() })
	if err != nil {
		tr.Fatal(err)
	}
	tr.done("issue", b.order, "--pins", b.pins, "--receipt", tr.receipt())
	tr.done("job", "show", tr.job())
	tr.done("jobs")
	tr.done("receipt", "verify", tr.receipt())
	tr.done("card", "show", "--reader", s.reader)
	tr.done("card", "pin", "status", "--reader", s.reader)
	tr.refused("STATION-ORDER-DONE", "issue", b.order, "--pins", b.pins) // it is issued already
}

// keys are the keys of this card and of every session with it, which its transcript
// allows to compute for who has the master key.
func (tr *trial) keys() (found []canary) {
	tr.Helper()
	var host []byte
	sessions := 0
	for _, line := range strings.Split(string(must(os.ReadFile(tr.trace()))), "\n") {
		line = strings.TrimPrefix(strings.TrimPrefix(line, "> "), "< ")
		raw, err := hex.DecodeString(line)
		switch {
		case err != nil:
		case len(raw) == 14 && bytes.HasPrefix(raw, []byte{0x80, 0x50}):
			host = raw[5:13]
		case len(raw) == 34 && host != nil: // INITIALIZE UPDATE has 32 bytes of data
			found = append(found, tr.sessionKeys(host, raw)...)
			host = nil
			sessions++
		}
	}
	if sessions < 2 {
		tr.Errorf("the transcript shows %d sessions: at least two were held", sessions)
	}
	return found
}

// trace is the only transcript.
func (tr *trial) trace() string {
	tr.Helper()
	names, err := filepath.Glob(filepath.Join(tr.d.state(), "trace", "*"))
	if err != nil || len(names) != 1 {
		tr.Fatalf("%d transcripts, %v", len(names), err)
	}
	return names[0]
}

// sessionKeys are the card's static keys and those of one session (GlobalPlatform
// Amendment D v1.1.2, 4.1.5 and 6.2.1).
func (tr *trial) sessionKeys(host, answer []byte) []canary {
	tr.Helper()
	keys, err := scp03.Diversify(secret.New(tr.master), [10]byte(answer[:10]))
	if err != nil {
		tr.Fatal(err)
	}
	both := slices.Concat(host, answer[13:21])
	out := []canary{
		{name: "Key-ENC", value: lend(keys.Enc)}, {name: "Key-MAC", value: lend(keys.Mac)}, {name: "Key-DEK", value: lend(keys.Dek)},
	}
	for _, k := range []struct {
		name     string
		usage    scp03.Usage
		constant byte
	}{{"S-ENC", scp03.ENC, 0x04}, {"S-MAC", scp03.MAC, 0x06}, {"S-RMAC", scp03.MAC, 0x07}} {
		input := append(make([]byte, 11, 32), k.constant, 0, 0, 0x80, 1)
		derived, err := keys.CMAC(tr.Context(), k.usage, append(input, both...))
		if err != nil {
			tr.Fatal(err)
		}
		out = append(out, canary{name: k.name, value: derived[:]})
	}
	return out
}

func lend(s secret.Bytes) (out []byte) {
	_ = s.Lend(func(b []byte) error { out = bytes.Clone(b); return nil }) // not destroyed
	return out
}

// forgotten looks into the journal's file: the order that was sealed there is gone.
func (tr *trial) forgotten(t *testing.T) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(tr.d.state(), "journal.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var state string
	var sealed []byte
	if err := db.QueryRow("SELECT state, sealed FROM job").Scan(&state, &sealed); err != nil {
		t.Fatal(err)
	}
	if state != "done" || sealed != nil {
		t.Errorf("the job is %s and %d sealed bytes are left", state, len(sealed))
	}
}

// onlyOurs wants folders that nobody else may enter and files that nobody else may
// read, but for the public half of the receipt key.
func onlyOurs(t *testing.T, root string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		switch {
		case entry.IsDir():
			want = 0o700
		case entry.Name() == "receipt.pub":
			want = 0o644
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %04o, want %04o", strings.TrimPrefix(path, root), got, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
