package apdu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// script is a card that answers fixed commands in a fixed order.
type script struct {
	t     testing.TB
	steps [][2]string // command and answer; an answer "!" is a link failure
}

var errLink = errors.New("cannot transmit: the card is gone")

func (s *script) Transmit(_ context.Context, command []byte) ([]byte, error) {
	if len(s.steps) == 0 {
		s.t.Errorf("one command too many: %X", command)
		return nil, errLink
	}
	step := s.steps[0]
	s.steps = s.steps[1:]
	if !bytes.Equal(command, unhex(s.t, step[0])) {
		s.t.Errorf("got %X, want %s", command, step[0])
	}
	if step[1] == "!" {
		return nil, errLink
	}
	return unhex(s.t, step[1]), nil
}

// conversation is a row of the tables below.
type conversation struct {
	name    string
	command string
	steps   [][2]string
	answer  string // "!" for the link failure
	budget  Budget
	err     string // of a BudgetError
}

func (row conversation) run(t *testing.T, wrap func(Budget) Wrapper) {
	t.Helper()
	card := &script{t: t, steps: row.steps}
	answer, err := wrap(row.budget)(card).Transmit(t.Context(), unhex(t, row.command))
	if len(card.steps) != 0 {
		t.Errorf("%d commands were not sent", len(card.steps))
	}
	var over *BudgetError
	switch {
	case row.err != "":
		if !errors.As(err, &over) || err.Error() != row.err || over.Command.Data != nil {
			t.Errorf("%v, want %s", err, row.err)
		}
	case row.answer == "!":
		if err != errLink {
			t.Errorf("%v, want the link's own error", err)
		}
	case err != nil || !bytes.Equal(answer, unhex(t, row.answer)):
		t.Errorf("%X %v, want %s", answer, err, row.answer)
	}
}

func TestGetResponse(t *testing.T) {
	for _, row := range []conversation{
		{name: "nothing announced", command: "00B0000004", steps: [][2]string{{"00B0000004", "CAFE9000"}}, answer: "CAFE9000"},
		{name: "one more", command: "00A4000002CAFE", steps: [][2]string{
			{"00A4000002CAFE", "6104"}, {"00C0000004", "010203049000"}}, answer: "010203049000"},
		{name: "data and more", command: "00B0000000", steps: [][2]string{
			{"00B0000000", "01 6102"}, {"00C0000002", "0203 6100"}, {"00C0000000", "04 6282"}}, answer: "01020304 6282"},
		{name: "on channel 3", command: "83CA000000", steps: [][2]string{
			{"83CA000000", "6101"}, {"03C0000001", "559000"}}, answer: "559000"},
		{name: "on channel 7", command: "43CA000000", steps: [][2]string{
			{"43CA000000", "6101"}, {"43C0000001", "559000"}}, answer: "559000"},
		{name: "under secure messaging", command: "0CB0000000", steps: [][2]string{
			{"0CB0000000", "6101"}, {"00C0000001", "559000"}}, answer: "559000"},
		{name: "refused on the way", command: "00B0000000", steps: [][2]string{
			{"00B0000000", "01 6102"}, {"00C0000002", "6F00"}}, answer: "01 6F00"},
		{name: "link lost", command: "00B0000000", steps: [][2]string{{"00B0000000", "!"}}, answer: "!"},
		{name: "link lost on the way", command: "00B0000000", steps: [][2]string{
			{"00B0000000", "6102"}, {"00C0000002", "!"}}, answer: "!"},
		{name: "answer too short", command: "00B0000000", steps: [][2]string{{"00B0000000", "61"}}, answer: "61"},
		{name: "too short on the way", command: "00B0000000", steps: [][2]string{
			{"00B0000000", "6102"}, {"00C0000002", ""}}, answer: ""},
		{name: "too many", command: "00A4000002CAFE", budget: Budget{Steps: 1}, steps: [][2]string{
			{"00A4000002CAFE", "6101"}, {"00C0000001", "556101"}},
			err: "cannot get response for SELECT 00A40000 Lc=0 Ne=0: more than 1 commands"},
		{name: "too much", command: "00B0000000", budget: Budget{Bytes: 3}, steps: [][2]string{
			{"00B0000000", "0102 6102"}, {"00C0000002", "0304 9000"}},
			err: "cannot get response for READ BINARY 00B00000 Lc=0 Ne=256: more than 3 bytes"},
		{name: "just enough", command: "00B0000000", budget: Budget{Steps: 1, Bytes: 4}, steps: [][2]string{
			{"00B0000000", "0102 6102"}, {"00C0000002", "0304 9000"}}, answer: "01020304 9000"},
	} {
		t.Run(row.name, func(t *testing.T) { row.run(t, GetResponse) })
	}
}

// A card that never stops announcing is stopped by the default budget.
func TestGetResponseEnds(t *testing.T) {
	for name, answer := range map[string][]byte{"empty": {0x61, 0x10}, "full": append(make([]byte, 256), 0x61, 0)} {
		sent := 0
		card := TransportFunc(func(context.Context, []byte) ([]byte, error) { sent++; return answer, nil })
		_, err := GetResponse(Budget{})(card).Transmit(t.Context(), unhex(t, "00B0000000"))
		var over *BudgetError
		if !errors.As(err, &over) || sent > 513 {
			t.Errorf("%s: %d commands, %v", name, sent, err)
		}
	}
}

func TestRetryLe(t *testing.T) {
	for _, row := range []conversation{
		{name: "right at once", command: "00B0000000", steps: [][2]string{{"00B0000000", "559000"}}, answer: "559000"},
		{name: "right Le", command: "00B0000000", steps: [][2]string{
			{"00B0000000", "6C02"}, {"00B0000002", "CAFE9000"}}, answer: "CAFE9000"},
		{name: "6C00 is 256", command: "00CA9F7F01", steps: [][2]string{
			{"00CA9F7F01", "6C00"}, {"00CA9F7F00", "CAFE9000"}}, answer: "CAFE9000"},
		{name: "with data", command: "00A4040003CAFE0100", steps: [][2]string{
			{"00A4040003CAFE0100", "6C02"}, {"00A4040003CAFE0102", "55559000"}}, answer: "55559000"},
		{name: "extended", command: "00B0000000FFFF", steps: [][2]string{
			{"00B0000000FFFF", "6C11"}, {"00B00000000011", "559000"}}, answer: "559000"},
		{name: "twice", command: "80F24000024F0000", steps: [][2]string{
			{"80F24000024F0000", "6C05"}, {"80F24000024F0005", "6C06"}, {"80F24000024F0006", "559000"}}, answer: "559000"},
		{name: "link lost", command: "00B0000000", steps: [][2]string{{"00B0000000", "6C02"}, {"00B0000002", "!"}}, answer: "!"},
		{name: "short answer", command: "00B0000000", steps: [][2]string{{"00B0000000", "6C02"}, {"00B0000002", "90"}}, answer: "90"},
		{name: "no command", command: "00B0000005CAFE", steps: [][2]string{{"00B0000005CAFE", "6C02"}}, answer: "6C02"},
		{name: "never right", command: "00B0000000", steps: [][2]string{
			{"00B0000000", "6C02"}, {"00B0000002", "6C02"}, {"00B0000002", "6C02"}},
			err: "cannot retry with right Le for READ BINARY 00B00000 Lc=0 Ne=256: more than 2 commands"},
		{name: "once only", command: "00B0000000", budget: Budget{Steps: 1}, steps: [][2]string{
			{"00B0000000", "6C02"}, {"00B0000002", "6C03"}},
			err: "cannot retry with right Le for READ BINARY 00B00000 Lc=0 Ne=256: more than 1 commands"},
	} {
		t.Run(row.name, func(t *testing.T) { row.run(t, RetryLe) })
	}
}

// Of all 65536 pairs of CLA and INS only those listed here are ever sent twice.
func TestRetryLeRepeatsOnlyWhatReads(t *testing.T) {
	allowed := map[[2]byte]bool{}
	for ch := range byte(4) {
		for _, ins := range []byte{0xA4, 0xB0, 0xB2, 0xCA, 0xC0, 0x84} {
			allowed[[2]byte{ch, ins}] = true
		}
		allowed[[2]byte{0x80 | ch, 0xCA}] = true
		allowed[[2]byte{0x80 | ch, 0xF2}] = true
	}
	sent := 0
	card := RetryLe(Budget{})(TransportFunc(func(context.Context, []byte) ([]byte, error) {
		if sent++; sent == 1 {
			return []byte{0x6C, 0x10}, nil
		}
		return []byte{0x90, 0}, nil
	}))
	for cla := range 256 {
		for ins := range 256 {
			sent = 0
			answer, err := card.Transmit(t.Context(), []byte{byte(cla), byte(ins), 0, 0x80, 0x02, 0x31, 0x32, 0x00})
			if err != nil {
				t.Fatal(err)
			}
			again := allowed[[2]byte{byte(cla), byte(ins)}]
			if (sent == 2) != again || !again && !bytes.Equal(answer, []byte{0x6C, 0x10}) {
				t.Fatalf("%02X %02X was sent %d times and answered %X", cla, ins, sent, answer)
			}
		}
	}
}

func TestChain(t *testing.T) {
	chained := func(b Budget) Wrapper { return Chain(4, b) }
	for _, row := range []conversation{
		{name: "no data", command: "00B0000000", steps: [][2]string{{"00B0000000", "559000"}}, answer: "559000"},
		{name: "fits", command: "00DB3FFF0401020304", steps: [][2]string{{"00DB3FFF0401020304", "9000"}}, answer: "9000"},
		{name: "two parts", command: "00DB3FFF050102030405", steps: [][2]string{
			{"10DB3FFF0401020304", "9000"}, {"00DB3FFF0105", "9000"}}, answer: "9000"},
		{name: "whole parts and Le", command: "002A9E9A08010203040506070800", steps: [][2]string{
			{"102A9E9A0401020304", "9000"}, {"002A9E9A040506070800", "CAFE9000"}}, answer: "CAFE9000"},
		{name: "three parts of GlobalPlatform", command: "83E200000A0102030405060708090A", steps: [][2]string{
			{"93E200000401020304", "9000"}, {"93E200000405060708", "9000"}, {"83E20000 02090A", "9000"}}, answer: "9000"},
		{name: "extended becomes short", command: "00D60000000005 0102030405", steps: [][2]string{
			{"10D600000401020304", "9000"}, {"00D600000105", "9000"}}, answer: "9000"},
		{name: "refused part", command: "00DB3FFF050102030405", steps: [][2]string{{"10DB3FFF0401020304", "6884"}}, answer: "6884"},
		{name: "warning on a part", command: "00DB3FFF050102030405", steps: [][2]string{{"10DB3FFF0401020304", "6281"}}, answer: "6281"},
		{name: "short answer", command: "00DB3FFF050102030405", steps: [][2]string{{"10DB3FFF0401020304", "90"}}, answer: "90"},
		{name: "link lost inside", command: "00DB3FFF050102030405", steps: [][2]string{{"10DB3FFF0401020304", "!"}}, answer: "!"},
		{name: "already a chain", command: "10DB3FFF050102030405", steps: [][2]string{{"10DB3FFF050102030405", "9000"}}, answer: "9000"},
		{name: "further interindustry class", command: "40DB3FFF050102030405", steps: [][2]string{{"40DB3FFF050102030405", "9000"}}, answer: "9000"},
		{name: "too many", command: "00DB3FFF09010203040506070809", budget: Budget{Steps: 1},
			err: "cannot chain for PUT DATA 00DB3FFF Lc=0 Ne=0: more than 1 commands"},
		{name: "too much", command: "00DB3FFF050102030405", budget: Budget{Bytes: 4},
			err: "cannot chain for PUT DATA 00DB3FFF Lc=0 Ne=0: more than 4 bytes"},
	} {
		t.Run(row.name, func(t *testing.T) { row.run(t, chained) })
	}
}

func TestChainInExtendedParts(t *testing.T) {
	data := filled(700)
	var got []byte
	var lens []int
	card := TransportFunc(func(_ context.Context, command []byte) ([]byte, error) {
		c, err := ParseCommand(command)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, c.Data...)
		lens = append(lens, len(c.Data))
		return []byte{0x90, 0}, nil
	})
	if _, err := Send(t.Context(), Chain(300, Budget{})(card), Command{INS: INSPutData, Data: data}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, data) || fmt.Sprint(lens) != "[300 300 100]" {
		t.Errorf("parts of %v bytes", lens)
	}
}

func TestChainRefusesNoCommandAndNoSize(t *testing.T) {
	if _, err := Chain(4, Budget{})(&script{t: t}).Transmit(t.Context(), []byte{1}); err == nil {
		t.Error("one byte is chained")
	}
	for _, size := range []int{0, -1, 65536} {
		func() {
			defer func() {
				if r := recover(); r == nil || !strings.HasPrefix(fmt.Sprint(r), "internal error: ") {
					t.Errorf("size %d: %v", size, r)
				}
			}()
			Chain(size, Budget{})
		}()
	}
}

func TestWrappersTogether(t *testing.T) {
	card := &script{t: t, steps: [][2]string{
		{"10CB3FFF0401020304", "9000"},
		{"00CB3FFF010500", "6103"},
		{"00C0000003", "6C02"},
		{"00C0000002", "CAFE9000"},
	}}
	var n Counter
	stack := Wrap(card, n.Wrap, RetryLe(Budget{}), GetResponse(Budget{}), Chain(4, Budget{}))
	r, err := Send(t.Context(), stack, Command{INS: 0xCB, P1: 0x3F, P2: 0xFF, Data: []byte{1, 2, 3, 4, 5}, Ne: 256})
	if err != nil || r.SW != SWOK || !bytes.Equal(r.Data, unhex(t, "CAFE")) {
		t.Errorf("%v %v", r, err)
	}
	if got, want := n.Counts(), (Counts{APDUs: 4, Sent: 9 + 7 + 5 + 5, Received: 2 + 2 + 2 + 4}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestCounterCountsFailures(t *testing.T) {
	var n Counter
	before := n.Counts()
	card := n.Wrap(&script{t: t, steps: [][2]string{{"00B0000000", "!"}, {"00B0000000", "559000"}}})
	for range 2 {
		_, _ = card.Transmit(t.Context(), unhex(t, "00B0000000"))
	}
	if got, want := n.Counts().Sub(before), (Counts{APDUs: 2, Sent: 10, Received: 3}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := n.Counts().Sub(n.Counts()); got != (Counts{}) {
		t.Errorf("%+v", got)
	}
}

func TestTap(t *testing.T) {
	var seen []string
	tap := Tap(func(command, answer []byte, err error) {
		seen = append(seen, fmt.Sprintf("%X>%X %v", command, answer, err != nil))
	})
	card := tap(&script{t: t, steps: [][2]string{{"00B0000000", "559000"}, {"00B0000000", "!"}}})
	for range 2 {
		_, _ = card.Transmit(t.Context(), unhex(t, "00B0000000"))
	}
	if got := strings.Join(seen, ", "); got != "00B0000000>559000 false, 00B0000000> true" {
		t.Errorf("%s", got)
	}
}

func TestWrappersDoNotAllocate(t *testing.T) {
	answer := append(make([]byte, 16), 0x90, 0)
	var n Counter
	stack := Wrap(TransportFunc(func(context.Context, []byte) ([]byte, error) { return answer, nil }),
		n.Wrap, RetryLe(Budget{}), GetResponse(Budget{}), Chain(255, Budget{}), Tap(func(_, _ []byte, _ error) {}))
	command, ctx := unhex(t, "00B0000010"), t.Context()
	if got := testing.AllocsPerRun(100, func() { _, _ = stack.Transmit(ctx, command) }); got != 0 {
		t.Errorf("%v allocations for each APDU", got)
	}
}

func BenchmarkWrappers(b *testing.B) {
	answer := append(make([]byte, 16), 0x90, 0)
	var n Counter
	stack := Wrap(TransportFunc(func(context.Context, []byte) ([]byte, error) { return answer, nil }),
		n.Wrap, RetryLe(Budget{}), GetResponse(Budget{}), Chain(255, Budget{}))
	command := unhex(b, "00B0000010")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := stack.Transmit(b.Context(), command); err != nil {
			b.Fatal(err)
		}
	}
}
