package kill

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"jukicard/apdu"
	"jukicard/reader"
	"jukicard/reader/pcsc"
	"jukicard/simulator"
	"jukicard/simulator/vpcd"
)

// lookout knows in which readers PC/SC clients see a card.
type lookout struct {
	mu      sync.Mutex
	present map[string]bool
	change  chan struct{} // closed and replaced at every event
}

// watch begins to look, until ctx ends.
func watch(ctx context.Context) *lookout {
	l := &lookout{present: map[string]bool{}, change: make(chan struct{})}
	go func() {
		for e, err := range pcsc.New(pcsc.Options{}).Watch(ctx) {
			if err == nil {
				l.note(e)
			}
		}
	}()
	return l
}

func (l *lookout) note(e reader.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch e.Kind {
	case reader.Inserted:
		l.present[e.Reader] = true
	case reader.Removed:
		l.present[e.Reader] = false
	}
	close(l.change)
	l.change = make(chan struct{})
}

// patience bounds everything that is waited for, on a machine that does much else.
const patience = 60 * time.Second

// await returns when a card is in the reader, or none is.
func (l *lookout) await(name string, present bool) error {
	late := time.After(patience)
	for {
		l.mu.Lock()
		is, change := l.present[name], l.change
		l.mu.Unlock()
		if is == present {
			return nil
		}
		select {
		case <-change:
		case <-late:
			return fmt.Errorf("no client of pcscd saw the card in %s come or go", name)
		}
	}
}

// meter is a card that counts what it is asked.
type meter struct {
	*simulator.Card
	mu      sync.Mutex
	apdus   int
	refused int       // VERIFY with a value that the card did not take
	first   time.Time // of the first command since the last mark
	after   int       // commands until ring is called
	ring    func()    // nil when it was
}

// alarm calls ring after n more commands, which may be none; a later alarm takes the
// place of an earlier one.
func (m *meter) alarm(n int, ring func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.after, m.ring = n, ring
	m.toll()
}

// toll rings when it is time. mu is held.
func (m *meter) toll() {
	if m.ring != nil && m.after <= 0 {
		m.ring()
		m.ring = nil
	}
	m.after--
}

// Process counts and has the card answer.
func (m *meter) Process(command []byte) []byte {
	m.count()
	answer := m.Card.Process(command)
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(answer); apdu.Instruction(command[1]) == apdu.INSVerify && len(command) > 5 && n >= 2 && (answer[n-2] != 0x90 || answer[n-1] != 0) {
		m.refused++
	}
	return answer
}

func (m *meter) count() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.apdus++
	m.toll()
	if m.first.IsZero() {
		m.first = time.Now()
	}
}

// mark waits for a first command again.
func (m *meter) mark() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.first = time.Time{}
}

func (m *meter) counts() (apdus, refused int, first time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.apdus, m.refused, m.first
}

// insert puts a blank card into a reader of its own until the case ends.
func insert(t *testing.T) (m *meter, name string, remove func()) {
	t.Helper()
	card, err := blank.Clone(simulator.Options{KeyPool: pool()})
	if err != nil {
		t.Fatal(err)
	}
	slot := <-slots
	m, name = &meter{Card: card}, readers.Reader(slot)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- vpcd.Serve(ctx, readers.Addr(slot), m, vpcd.Options{}) }()
	remove = sync.OnceFunc(func() {
		stop()
		if err := errors.Join(<-served, seen.await(name, false)); err != nil {
			t.Error(err)
		}
		slots <- slot
	})
	t.Cleanup(remove)
	if err := seen.await(name, true); err != nil {
		t.Fatal(err)
	}
	return m, name, remove
}
