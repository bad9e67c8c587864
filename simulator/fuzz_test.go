package simulator

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"jukicard/apdu"
	"jukicard/apdu/scp03"
)

// checkAnswer wants what every answer has: two bytes or more, not more than was asked.
func checkAnswer(t testing.TB, command, answer []byte) {
	t.Helper()
	if len(answer) < 2 || len(answer) > apdu.MaxResponse {
		t.Fatalf("%X: answer of %d bytes", command, len(answer))
	}
	c, err := apdu.ParseCommand(command)
	if err != nil {
		if !bytes.Equal(answer, []byte{0x67, 0x00}) {
			t.Fatalf("%X is no command: answer %X", command, answer)
		}
		return
	}
	if len(answer)-2 > c.Ne {
		t.Fatalf("%X: %d bytes, asked for %d", command, len(answer)-2, c.Ne)
	}
	switch answer[len(answer)-2] >> 4 {
	case 6, 9:
	default:
		t.Fatalf("%X: status word %X", command, answer[len(answer)-2:])
	}
}

// checkCard wants what is true of a card whatever it was told in the clear.
func checkCard(t testing.TB, c *Card, before []change) {
	t.Helper()
	for i, ch := range withoutKeys(c) {
		if ch.Op == opReference {
			continue // tries go down, PINs change after VERIFY
		}
		if i >= len(before) || ch.Op != before[i].Op || ch.On != before[i].On || !bytes.Equal(ch.Data, before[i].Data) {
			t.Fatalf("%s on %q changed without the channel", ch.Op, ch.On)
		}
	}
}

// headers are those of every command the card has, in both classes.
func headers() [][4]byte {
	var all [][4]byte
	for ins := range 256 {
		if iso[ins] != nil || own[ins] != nil {
			for _, cla := range []byte{0x00, 0x80, 0x04, 0x84, 0x08, 0x0C} {
				all = append(all, [4]byte{cla, byte(ins)})
			}
		}
	}
	return all
}

// randomCommand is mostly well formed, often with a parameter that means something.
func randomCommand(r *rand.Rand, known [][4]byte) []byte {
	b := make([]byte, 4, 300)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	if r.IntN(8) > 0 {
		h := known[r.IntN(len(known))]
		b[0], b[1] = h[0], h[1]
	}
	for i := 2; i < 4; i++ {
		if r.IntN(2) == 0 {
			b[i] = [...]byte{0x00, 0x01, 0x02, 0x04, 0x0C, 0x80, 0x81, 0x97, 0x98, 0x9B, 0x0A}[r.IntN(11)]
		}
	}
	aids := []string{aidJPKI, aidSurface, aidText, aidResident, aidCommon, aidDomain}
	switch r.IntN(6) {
	case 0:
		return b
	case 1:
		return append(b, byte(r.Uint32()))
	case 2:
		aid := mustHex(aids[r.IntN(len(aids))])
		return append(append(b, byte(len(aid))), aid...)
	case 3:
		return append(b, 2, 0, byte(r.IntN(32)))
	case 4:
		return append(b, 0, byte(r.Uint32()), byte(r.Uint32()))
	}
	n := r.IntN(200)
	b = append(b, byte(n))
	for range n + r.IntN(2) {
		b = append(b, byte(r.Uint32()))
	}
	return b
}

func TestNoStreamOfCommandsHurtsTheCard(t *testing.T) {
	known := headers()
	for seed := range uint64(20) {
		c := newIssued(t, "standard")
		before := withoutKeys(c)
		r := rand.New(rand.NewPCG(seed, 1))
		for n := range 3000 {
			command := randomCommand(r, known)
			if len(command) > 3 && command[1] == apdu.INSSecurityOperation && n%20 != 0 {
				continue // RSA takes most of the time
			}
			checkAnswer(t, command, c.Process(command))
			switch r.IntN(200) {
			case 0:
				c.PowerOff()
			case 1:
				c.Reset()
			}
		}
		checkCard(t, c, before)
	}
}

// The same inside the channel: nothing holds, but it answers, and what it keeps makes
// the same card again.
func TestNoStreamOfCommandsInTheChannelHurtsTheCard(t *testing.T) {
	known := headers()
	for seed := range uint64(10) {
		c := blank(t)
		r := rand.New(rand.NewPCG(seed, 2))
		for range 40 {
			if c.life == lifeTerminated || len(c.sets) == 0 || !bytes.Equal(setKey(c), mustHex("404142434445464748494A4B4C4D4E4F")) {
				break
			}
			c.PowerOff()
			say(c, selectAP([]string{aidJPKI, aidText, aidDomain, aidCommon}[r.IntN(4)]))
			s := openChannel(t, c, scp03.LevelFull)
			for range 30 {
				command := randomCommand(r, known)
				command[0] &= 0x80
				answer, err := s.Transmit(t.Context(), command)
				if err != nil {
					break
				}
				if len(answer) < 2 {
					t.Fatalf("%X: answer of %d bytes", command, len(answer))
				}
			}
		}
		again := replay(t, c.snapshot())
		if got, want := len(again.snapshot()), len(c.snapshot()); got != want {
			t.Errorf("seed %d: %d changes make a card of %d", seed, want, got)
		}
	}
}

func setKey(c *Card) []byte {
	var key []byte
	_ = c.sets[0].keys.Enc.Lend(func(b []byte) error {
		key = bytes.Clone(b)
		return nil
	})
	return key
}

// FuzzProcess sends a stream of commands, each behind one byte of length, to an issued
// card; length FF is a power-off.
func FuzzProcess(f *testing.F) {
	stream := func(commands ...string) []byte {
		var b []byte
		for _, c := range commands {
			raw := mustHex(c)
			b = append(append(b, byte(len(raw))), raw...)
		}
		return b
	}
	f.Add(stream(selectAP(aidJPKI), "00A4020C02000A", "00B0000000", "00200098"))
	f.Add(stream(selectAP(aidText), verifyAPDU(0x11, textPIN), "00B08100000000", "80AE0000"))
	f.Add(stream("00A4040000", "80CA00E000", "8050000008000102030405060700", "8482330010"+"00000000000000000000000000000000"))
	f.Add(stream(selectAP(aidCommon), "00B2010C00", "0088009901AA00", "00C0000000"))
	f.Add(append(stream(selectAP(aidSurface), "802A000020"+"0000000000000000000000000000000000000000000000000000000000000000"+"10"), 0xFF))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := newIssued(t, "standard")
		before := withoutKeys(c)
		for n := 0; len(data) > 0 && n < 64; n++ {
			size := int(data[0])
			data = data[1:]
			if size == 0xFF {
				c.PowerOff()
				continue
			}
			size = min(size, len(data))
			checkAnswer(t, data[:size], c.Process(data[:size]))
			data = data[size:]
		}
		checkCard(t, c, before)
	})
}

// FuzzState reads state files.
func FuzzState(f *testing.F) {
	f.Add([]byte(`{"format":"jukicard simulated card 1","profile":"mynumber-1","card_id":"0999000000000017"}` + "\n" + `{"op":"life","n":15}` + "\n"))
	f.Add([]byte(`{"format":"jukicard simulated card 1","profile":"mynumber-1"}` + "\n" + `{"op":"write","on":"jpki/presence","at":1,"data":"AAA="}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, changes, whole, err := parseState(data)
		if err != nil {
			return
		}
		if whole > len(data) {
			t.Fatalf("%d bytes of %d", whole, len(data))
		}
		c, err := newShell(options())
		if err != nil {
			t.Fatal(err)
		}
		for _, ch := range changes {
			_ = c.apply(ch)
		}
		checkAnswer(t, mustHex("00CADF7000"), c.Process(mustHex("00CADF7000")))
	})
}
