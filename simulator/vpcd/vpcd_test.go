package vpcd

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"
)

const timeoutTest = 10 * time.Second

// testCard answers with the command's length, and notes what was done to it.
type testCard struct {
	mu      sync.Mutex
	log     []string
	answer  func(command []byte) []byte // nil: 9000
	powered chan struct{}               // receives at each PowerOff, if not nil
}

func (c *testCard) ATR() []byte { return []byte{0x3B, 0x80, 0x80, 0x01, 0x01} }

func (c *testCard) PowerOff() {
	c.note("off")
	if c.powered != nil {
		c.powered <- struct{}{}
	}
}

func (c *testCard) Reset() { c.note("reset") }

func (c *testCard) Process(command []byte) []byte {
	c.note(hex.EncodeToString(command[:min(len(command), 8)]))
	if c.answer != nil {
		return c.answer(command)
	}
	return []byte{0x90, 0x00}
}

func (c *testCard) note(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log = append(c.log, what)
}

func (c *testCard) took() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.log)
}

// reader is the other side: what the vpcd driver does.
type reader struct {
	t *testing.T
	l net.Listener
}

func newReader(t *testing.T, addr string) *reader {
	t.Helper()
	l, err := net.Listen("tcp4", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return &reader{t: t, l: l}
}

func (r *reader) addr() string { return r.l.Addr().String() }

func (r *reader) accept() net.Conn {
	r.t.Helper()
	conn, err := r.l.Accept()
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(timeoutTest)); err != nil {
		r.t.Fatal(err)
	}
	return conn
}

func message(body []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(body))), body...)
}

func send(t *testing.T, w io.Writer, body ...byte) {
	t.Helper()
	if _, err := w.Write(message(body)); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, r io.Reader) []byte {
	t.Helper()
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, binary.BigEndian.Uint16(header[:]))
	if _, err := io.ReadFull(r, body); err != nil {
		t.Fatal(err)
	}
	return body
}

// serve runs Serve until the test ends and checks that it then ends without error.
func serve(t *testing.T, addr string, card Card, o Options) (remove func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, addr, card, o) }()
	remove = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Serve: %v", err)
			}
		case <-time.After(timeoutTest):
			t.Error("Serve did not end with its context")
		}
	})
	t.Cleanup(remove)
	return remove
}

func TestControlBytesReachTheCard(t *testing.T) {
	card := &testCard{}
	r := newReader(t, "127.0.0.1:0")
	attached := 0
	remove := serve(t, r.addr(), card, Options{OnAttach: func() { attached++ }})
	conn := r.accept()
	send(t, conn, ctrlOn)
	for range 2 {
		send(t, conn, ctrlATR)
		if got := receive(t, conn); !bytes.Equal(got, card.ATR()) {
			t.Errorf("ATR %X, want %X", got, card.ATR())
		}
	}
	send(t, conn, ctrlReset)
	send(t, conn, ctrlOff)
	send(t, conn, 0x00, 0xA4, 0x00, 0x00)
	if got := receive(t, conn); !bytes.Equal(got, []byte{0x90, 0x00}) {
		t.Errorf("answer %X, want 9000", got)
	}
	remove()
	want := []string{"reset", "off", "00a40000", "off"} // the last is the removal
	if got := card.took(); !slices.Equal(got, want) {
		t.Errorf("the card saw %v, want %v", got, want)
	}
	if attached != 1 {
		t.Errorf("OnAttach was called %d times on one connection", attached)
	}
}

func TestBodiesThatAreNoCommand(t *testing.T) {
	tests := []struct {
		name string
		body []byte
	}{
		{"empty", nil},
		{"one byte, no control", []byte{0x03}},
		{"two bytes", []byte{0x00, 0xA4}},
		{"three bytes", []byte{0x00, 0xA4, 0x04}},
	}
	card := &testCard{}
	r := newReader(t, "127.0.0.1:0")
	remove := serve(t, r.addr(), card, Options{})
	conn := r.accept()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			send(t, conn, tt.body...)
			if got := receive(t, conn); !bytes.Equal(got, wrongLength) {
				t.Errorf("answer %X, want %X", got, wrongLength)
			}
		})
	}
	remove()
	if got := card.took(); !slices.Equal(got, []string{"off"}) {
		t.Errorf("the card saw %v, want nothing but its removal", got)
	}
}

func TestAnswersOfEveryLength(t *testing.T) {
	tests := []struct {
		name string
		size int
		want int
	}{
		{"cut off", 1, 1},
		{"status word alone", 2, 2},
		{"the longest the protocol carries", bodyMax, bodyMax},
		{"longer than the protocol carries", bodyMax + 1, len(wrongLength)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			card := &testCard{answer: func([]byte) []byte { return make([]byte, tt.size) }}
			r := newReader(t, "127.0.0.1:0")
			serve(t, r.addr(), card, Options{})
			conn := r.accept()
			send(t, conn, make([]byte, bodyMax)...) // and the longest command
			if got := receive(t, conn); len(got) != tt.want {
				t.Errorf("answer of %d bytes, want %d", len(got), tt.want)
			}
		})
	}
}

// TestMuteCardHangsUp: an empty message would leave the driver waiting for ever.
func TestMuteCardHangsUp(t *testing.T) {
	card := &testCard{answer: func([]byte) []byte { return nil }}
	r := newReader(t, "127.0.0.1:0")
	serve(t, r.addr(), card, Options{})
	conn := r.accept()
	send(t, conn, 0x00, 0xA4, 0x00, 0x00)
	if rest, err := io.ReadAll(conn); err != nil || len(rest) != 0 {
		t.Errorf("%X, %v, want the end of the connection", rest, err)
	}
	r.accept() // and the card is back
}

func TestRemovalInMidCommandSendsNothing(t *testing.T) {
	busy, free := make(chan struct{}), make(chan struct{})
	card := &testCard{answer: func([]byte) []byte {
		close(busy)
		<-free
		return []byte{0x90, 0x00}
	}}
	r := newReader(t, "127.0.0.1:0")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, r.addr(), card, Options{}) }()
	conn := r.accept()
	send(t, conn, 0x00, 0x46, 0x00, 0x00)
	<-busy
	cancel()
	close(free)
	if rest, err := io.ReadAll(conn); len(rest) != 0 {
		t.Errorf("the reader got %X (%v) from a card that was taken out", rest, err)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestReaderThatComesBackIsDialledAgain(t *testing.T) {
	card := &testCard{powered: make(chan struct{}, 8)}
	r := newReader(t, "127.0.0.1:0")
	attached := make(chan struct{}, 8)
	serve(t, r.addr(), card, Options{OnAttach: func() { attached <- struct{}{} }})
	for range 3 {
		conn := r.accept()
		send(t, conn, ctrlATR)
		receive(t, conn)
		<-attached
		if err := r.l.Close(); err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		<-card.powered // the card lost its power with the reader
		r = newReader(t, r.addr())
	}
}

func TestUnreachableReaderIsGivenUp(t *testing.T) {
	r := newReader(t, "127.0.0.1:0")
	if err := r.l.Close(); err != nil {
		t.Fatal(err)
	}
	err := Serve(t.Context(), r.addr(), &testCard{}, Options{Patience: 20 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("error %v, want one that says who refused", err)
	}
}

func TestReaderThatHangsUpAtOnceIsGivenUp(t *testing.T) {
	r := newReader(t, "127.0.0.1:0")
	go func() {
		for {
			conn, err := r.l.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	err := Serve(t.Context(), r.addr(), &testCard{}, Options{Patience: 50 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "hangs up") {
		t.Errorf("error %v, want one that says that the reader hangs up", err)
	}
}

// FuzzSlot feeds a slot what no driver sends, in pieces of one byte: it must
// neither panic nor hand the card anything but commands.
func FuzzSlot(f *testing.F) {
	f.Add(message([]byte{ctrlATR}))
	f.Add(append(message([]byte{ctrlReset}), message([]byte{0, 0xA4, 4, 0, 0})...))
	f.Add([]byte{0xFF, 0xFF, 0x00})
	f.Add(append(message(nil), message([]byte{1, 2, 3})...))
	f.Fuzz(func(t *testing.T, wire []byte) {
		card := &testCard{answer: func(command []byte) []byte {
			if len(command) < apduMin {
				t.Fatalf("the card got %X", command)
			}
			return []byte{0x90, 0x00}
		}}
		var out bytes.Buffer
		s := newSlot(t.Context(), iotest.OneByteReader(bytes.NewReader(wire)), &out, card, nil)
		if err := s.serve(); err == nil {
			t.Fatal("the end of the wire is no error")
		}
		for out.Len() > 0 { // what was sent is whole messages
			receive(t, &out)
		}
	})
}
