package transcript

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"jukicard/apdu"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sessionHex is a session with something of every kind, as command and answer; an
// answer "!" is a link failure.
var sessionHex = [][2]string{
	{"00A4040C0AD392F000260100000001", "9000"},
	{"00A4020C020018", "9000"},
	{"00200080", "63C3"},
	{"0020008004 31323334", "9000"},
	{"0020008004 39393939", "63C2"},
	{"0024018008 3132333435363738", "9000"},
	{"002C008004 31323334", "6983"},
	{"00B0000000", "CAFE0102039000"},
	{"00B0000005CAFE", "6700"}, // stray bytes: no command
	{"00B2010400", "CAFE9000"},
	{"00CA006600", "CAFE9000"},
	{"80F24000024F0000", "08A0000001510000000F9E9000"},
	{"802A008003 CAFE01 00", "CAFE9000"},
	{"8050300008 0102030405060708 00", "0102039000"},
	{"8482330010 000102030405060708090A0B0C0D0E0F", "9000"},
	{"84F24000 0A CAFECAFECAFECAFECAFE 00", "CAFE9000"},
	{"0020008004 31323334 10", "9000"},
	{"00D60000 000004 CAFECAFE", "9000"},
	{"00D60000 000004 CAFECAFE 0000", "CAFE9000"},
	{"80D8008103 CAFE01 00", "0102039000"},
	{"80FB000004 CAFECAFE", "CAFE6A80"},
	{"00C0000004", "CAFECAFE9000"},
	{"0047800000", "!"},
	{"0084000008", "01020304050607089000"},
}

// recordedCard answers by sessionHex.
func recordedCard(t testing.TB) apdu.Transport {
	n := 0
	return apdu.TransportFunc(func(_ context.Context, command []byte) ([]byte, error) {
		row := sessionHex[n]
		n++
		if !bytes.Equal(command, unhex(t, row[0])) {
			t.Errorf("exchange %d changed on its way: %X", n, command)
		}
		if row[1] == "!" {
			return nil, errors.New("cannot transmit:\n reader 山田 went away")
		}
		return unhex(t, row[1]), nil
	})
}

func record(t testing.TB, begin func(w *bytes.Buffer, h Header) *Writer) string {
	t.Helper()
	var out bytes.Buffer
	w := begin(&out, Header{ATR: unhex(t, "3BE000FF8131FE4514"), Protocol: "T=1", Date: "2026-01-02", Notes: []string{"a simulated card\nof the laboratory"}})
	card := w.Wrap(recordedCard(t))
	for _, row := range sessionHex {
		_, _ = card.Transmit(t.Context(), unhex(t, row[0]))
	}
	if w.Err() != nil {
		t.Fatal(w.Err())
	}
	return out.String()
}

func recordRedacted(t testing.TB) string {
	return record(t, func(b *bytes.Buffer, h Header) *Writer { return NewWriter(b, h) })
}

func recordFull(t testing.TB) string {
	return record(t, func(b *bytes.Buffer, h Header) *Writer { return NewLabWriter(b, h) })
}

func TestGolden(t *testing.T) {
	for name, got := range map[string]string{"redacted": recordRedacted(t), "full": recordFull(t)} {
		file := "testdata/" + name + ".apdu"
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs from %s (rewrite with -update after reading the difference):\n%s", name, file, got)
		}
	}
}

func TestRedactedShowsNoSecret(t *testing.T) {
	text := recordRedacted(t)
	for _, secret := range []string{"31323334", "39393939", "CAFE", "山田"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s shows:\n%s", secret, text)
		}
	}
}

// Every instruction, known or not, in every class: what is not listed hides its data.
func TestOnlyListedInstructionsShow(t *testing.T) {
	data := bytes.Repeat([]byte{0xCA}, 16)
	for cla := range 256 {
		for ins := range 256 {
			c := apdu.Command{CLA: byte(cla), INS: byte(ins), Data: data, Ne: 256}
			b, err := c.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			m, show := redactCommand(b)
			known := cla <= 0x03 || cla >= 0x80 && cla <= 0x83 || cla >= 0x84 && cla <= 0x87 && ins == apdu.INSExternalAuthenticate
			if want := policy[byte(ins)]; show.command != (want.command && known) || show.answer != (want.answer && known) {
				t.Fatalf("%02X %02X shows %v", cla, ins, show)
			}
			if line := string(m.append(nil)); strings.Contains(line, "CACACA") != show.command {
				t.Fatalf("%02X %02X: %s", cla, ins, line)
			}
			if !show.command && (m.Secret != len(data) || !bytes.Equal(m.Head, b[:4]) || !bytes.Equal(m.Tail, []byte{0})) {
				t.Fatalf("%02X %02X: %+v", cla, ins, m)
			}
		}
	}
	for _, ins := range []byte{apdu.INSVerify, apdu.INSChangeReferenceData, apdu.INSResetRetryCounter, apdu.INSPutKey, apdu.INSUpdateBinary, apdu.INSPutData, apdu.INSSecurityOperation} {
		if policy[ins].command {
			t.Errorf("%v shows its data", apdu.Instruction(ins))
		}
	}
}

func TestParseReadsWhatWriterWrote(t *testing.T) {
	full, err := Parse(strings.NewReader(recordFull(t)))
	if err != nil {
		t.Fatal(err)
	}
	if full.Redacted || len(full.Exchanges) != len(sessionHex) {
		t.Fatalf("redacted %v, %d exchanges", full.Redacted, len(full.Exchanges))
	}
	want := Header{ATR: unhex(t, "3BE000FF8131FE4514"), Protocol: "T=1", Date: "2026-01-02", Notes: []string{"a simulated card of the laboratory"}}
	if !reflect.DeepEqual(full.Header, want) {
		t.Errorf("header %+v", full.Header)
	}
	redacted, err := Parse(strings.NewReader(recordRedacted(t)))
	if err != nil {
		t.Fatal(err)
	}
	if !redacted.Redacted {
		t.Error("the redacted one does not say so")
	}
	for i, x := range redacted.Exchanges {
		if got, want := len(x.Answer.Head)+x.Answer.Secret+len(x.Answer.Tail), len(full.Exchanges[i].Answer.Head); got != want {
			t.Errorf("exchange %d: an answer of %d bytes, was %d", i, got, want)
		}
	}
	for name, tr := range map[string]*Transcript{"full": full, "redacted": redacted} {
		checkIdentity(t, name, tr)
	}
}

// checkIdentity writes tr and reads it again.
func checkIdentity(t testing.TB, name string, tr *Transcript) {
	t.Helper()
	var out bytes.Buffer
	if _, err := tr.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	again, err := Parse(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out.String())
	}
	if !reflect.DeepEqual(tr, again) {
		t.Errorf("%s changed:\n%+v\n%+v", name, tr, again)
	}
}

func TestParseIsTolerantWhereItMayBe(t *testing.T) {
	tr, err := Parse(strings.NewReader("# apdu transcript 1, full\r\n\n# a comment\n# unknown: field\n>00a4 0400\n# between\n<  90 00\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := tr.Exchanges; len(got) != 1 || !bytes.Equal(got[0].Command.Head, unhex(t, "00A40400")) || !bytes.Equal(got[0].Answer.Head, unhex(t, "9000")) {
		t.Errorf("%+v", got)
	}
}

func TestParseRefuses(t *testing.T) {
	first := "# apdu transcript 1, full\n"
	for _, row := range []struct{ name, text, want string }{
		{"nothing", "", "it is empty"},
		{"another file", "hello\n", "line 1"},
		{"another version", "# apdu transcript 2, full\n", "line 1"},
		{"odd hex", first + "> 00A\n", "line 2: bytes are pairs"},
		{"not hex", first + "> 00ZZ\n", "line 2: bytes are pairs"},
		{"unknown line", first + "? 00\n", "line 2: a line begins"},
		{"no answer", first + "> 00\n", "the last command has no answer"},
		{"two commands", first + "> 00\n> 00\n", "line 3: the command before it"},
		{"answer alone", first + "< 9000\n", "line 2: an answer without"},
		{"second answer", first + "> 00\n< 9000\n< 9000\n", "line 4: an answer without"},
		{"failure without text", first + "> 00\n!\n", "line 3: a failure has"},
		{"bad count", first + "> 00 [x secret bytes]\n", "line 2: a redacted part"},
		{"zero count", first + "> 00 [0 secret bytes]\n", "line 2: a redacted part"},
		{"huge count", first + "> 00 [70000 secret bytes]\n", "line 2: a redacted part"},
		{"open bracket", first + "> 00 [4 secret\n", "line 2: a redacted part"},
		{"long line", first + "> " + strings.Repeat("00", MaxLine/2) + "\n", "too long"},
		{"bad ATR", first + "# atr: 3X\n", "line 2: bytes are pairs"},
		{"many notes", first + strings.Repeat("# note: n\n", MaxNotes+1), "more than 1000 notes"},
		{"many exchanges", first + strings.Repeat("> 00\n< 9000\n", MaxExchanges+1), "more than 100000 exchanges"},
	} {
		_, err := Parse(strings.NewReader(row.text))
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want …%s…", row.name, err, row.want)
		}
	}
}

func TestReplayAnswersTheSession(t *testing.T) {
	tr, err := Parse(strings.NewReader(recordFull(t)))
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReplay(tr)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range sessionHex {
		answer, err := r.Transmit(t.Context(), unhex(t, row[0]))
		if row[1] == "!" {
			if err == nil || err.Error() != "cannot transmit: reader 山田 went away" {
				t.Errorf("exchange %d: %v", i, err)
			}
			continue
		}
		if err != nil || !bytes.Equal(answer, unhex(t, row[1])) {
			t.Errorf("exchange %d: %X %v", i, answer, err)
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestReplayRefusesRedacted(t *testing.T) {
	tr, err := Parse(strings.NewReader(recordRedacted(t)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewReplay(tr); !errors.Is(err, ErrRedacted) {
		t.Errorf("NewReplay: %v", err)
	}
}

func TestReplayFails(t *testing.T) {
	const text = "# apdu transcript 1, full\n> 0020008004 31323334\n< 9000\n> 00B0000000\n< 9000\n"
	for _, row := range []struct {
		name     string
		commands []string
		want     string
	}{
		{"leftover", []string{"002000800431323334"}, "1 of 2 exchanges are left over, next READ BINARY"},
		{"nothing asked", nil, "2 of 2 exchanges are left over"},
		{"other order", []string{"00B0000000"}, "wanted VERIFY 00200080 Lc=4 Ne=0, got READ BINARY"},
		{"other data", []string{"002000800434333231"}, "with other data"},
		{"one too many", []string{"002000800431323334", "00B0000000", "00B0000000"}, "ends after 2 exchanges"},
		{"no command", []string{"00"}, "1 bytes that are no command"},
	} {
		tr, err := Parse(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		r, err := NewReplay(tr)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range row.commands {
			_, _ = r.Transmit(t.Context(), unhex(t, c))
		}
		err = r.Close()
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want …%s…", row.name, err, row.want)
		}
		if err != nil && (strings.Contains(err.Error(), "31323334") || strings.Contains(err.Error(), "34333231")) {
			t.Errorf("%s shows data: %v", row.name, err)
		}
		if _, again := r.Transmit(t.Context(), unhex(t, "002000800431323334")); again == nil {
			t.Errorf("%s: goes on after it failed", row.name)
		}
	}
}

// brokenDisk fails from the second write on.
type brokenDisk struct{ writes int }

func (d *brokenDisk) Write(b []byte) (int, error) {
	if d.writes++; d.writes > 1 {
		return 0, errors.New("cannot write: disk full")
	}
	return len(b), nil
}

func TestWriterFailureLeavesSessionAlone(t *testing.T) {
	w := NewWriter(&brokenDisk{}, Header{})
	card := w.Wrap(recordedCard(t))
	answer, err := card.Transmit(t.Context(), unhex(t, sessionHex[0][0]))
	if err != nil || !bytes.Equal(answer, []byte{0x90, 0}) {
		t.Errorf("session: %X %v", answer, err)
	}
	if w.Err() == nil {
		t.Error("the failure to write is lost")
	}
}

func TestWriterWritesCommandBeforeSendingIt(t *testing.T) {
	var out bytes.Buffer
	w := NewLabWriter(&out, Header{})
	card := w.Wrap(apdu.TransportFunc(func(context.Context, []byte) ([]byte, error) {
		if !strings.HasSuffix(out.String(), "> 00A40400\n") {
			t.Errorf("on sending the transcript holds %q", out.String())
		}
		return nil, errors.New("")
	}))
	_, _ = card.Transmit(t.Context(), unhex(t, "00A40400"))
	if !strings.HasSuffix(out.String(), "> 00A40400\n! link failed\n") {
		t.Errorf("%q", out.String())
	}
}

func FuzzTranscript(f *testing.F) {
	f.Add(recordFull(f))
	f.Add(recordRedacted(f))
	f.Add("# apdu transcript 1, full\n> 00 [4 secret bytes] 00\n! x\n")
	f.Fuzz(func(t *testing.T, text string) {
		tr, err := Parse(strings.NewReader(text))
		if err != nil {
			return
		}
		checkIdentity(t, "fuzz", tr)
		r, err := NewReplay(tr)
		if (err != nil) != tr.Redacted {
			t.Fatalf("redacted %v, replay %v", tr.Redacted, err)
		}
		if err != nil {
			return
		}
		for _, x := range tr.Exchanges {
			if answer, err := r.Transmit(t.Context(), x.Command.Head); (err != nil) != (x.Failure != "") || !bytes.Equal(answer, x.Answer.Head) {
				t.Fatalf("replay: %X %v", answer, err)
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	command, answer := unhex(b, "00B0000010"), unhex(b, strings.Repeat("00", 16)+"9000")
	t := NewWriter(discard{}, Header{}).Wrap(apdu.TransportFunc(func(context.Context, []byte) ([]byte, error) { return answer, nil }))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := t.Transmit(b.Context(), command); err != nil {
			b.Fatal(err)
		}
	}
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

func ExampleWriter() {
	card := apdu.TransportFunc(func(context.Context, []byte) ([]byte, error) { return []byte{0x63, 0xC2}, nil })
	w := NewWriter(os.Stdout, Header{Protocol: "T=1"})
	_, _ = apdu.Send(context.Background(), apdu.Wrap(card, w.Wrap), apdu.Command{INS: apdu.INSVerify, P2: 0x80, Data: []byte("9999")})
	fmt.Println()
	// Output:
	// # apdu transcript 1, redacted
	// # protocol: T=1
	// > 00200080 [4 secret bytes]
	// < 63C2
}
