//go:build cgo && linux

package pcsc

import (
	"slices"
	"testing"
	"time"

	"jukicard/reader"
	"jukicard/reader/readertest"
)

// echoCard answers 16 bytes to everything, as to a READ BINARY.
type echoCard struct{ answer []byte }

func (echoCard) ATR() []byte             { return []byte{0x3B, 0x80, 0x80, 0x01, 0x01} }
func (echoCard) PowerOff()               {}
func (echoCard) Reset()                  {}
func (c echoCard) Process([]byte) []byte { return c.answer }

// BenchmarkTransmit sends to a card through the package and through the bare
// binding in turns, and reports the ratio of their rates at the median.
// Turns are single commands on one PC/SC handle: longer ones, or two handles with
// a thread each in pcscd, compare a busy machine's moods.
func BenchmarkTransmit(b *testing.B) {
	d := readertest.Virtual(b, New(Options{}), 1)
	want := append(make([]byte, 16), 0x90, 0x00)
	if err := d.Hands.Insert(0, echoCard{want}); err != nil {
		b.Fatal(err)
	}
	for e, err := range d.System.Watch(b.Context()) {
		if err != nil {
			b.Fatal(err)
		}
		if e.Kind == reader.Inserted {
			break
		}
	}
	opened, err := d.System.Open(b.Context(), d.Names[0], reader.Exclusive)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = opened.Close(reader.Reset) }()
	c := opened.(*card)
	command := []byte{0x00, 0xB0, 0x00, 0x00, 0x10}
	send := [2]func() ([]byte, error){
		func() ([]byte, error) { return c.Transmit(b.Context(), command) },
		func() ([]byte, error) { return c.handle.Transmit(command) },
	}
	var turns [2][]time.Duration
	for n := 0; b.Loop(); n++ {
		for i := range 2 { // who begins changes
			k := (i + n) % 2
			start := time.Now()
			answer, err := send[k]()
			turns[k] = append(turns[k], time.Since(start))
			if err != nil || !slices.Equal(answer, want) {
				b.Fatalf("answer %X, %v", answer, err)
			}
		}
	}
	b.ReportMetric(float64(median(turns[1]))/float64(median(turns[0])), "ours/bare")
	b.ReportMetric(1/median(turns[0]).Seconds(), "APDU/s")
}

// median keeps a busy machine's worst moments out of the figure.
func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
