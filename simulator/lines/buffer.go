package lines

import (
	"context"
	"sync"
)

// Buffer is what a wire or a printer holds of a stream: bytes in order, up to a size. It
// waits on channels alone, so that virtual time (testing/synctest) goes on meanwhile.
type Buffer struct {
	mu      sync.Mutex
	held    []byte
	size    int
	changed chan struct{} // closed, and made anew, whenever held changes
}

// NewBuffer makes one of a size in bytes.
func NewBuffer(size int) *Buffer {
	return &Buffer{size: size, changed: make(chan struct{})}
}

// Put adds p when there is room, bit by bit, until all is in or ctx is done. It says how
// many bytes went in.
func (b *Buffer) Put(ctx context.Context, p []byte) (int, error) {
	put := 0
	for put < len(p) {
		b.mu.Lock()
		n := min(len(p)-put, b.size-len(b.held))
		if n > 0 {
			b.held = append(b.held, p[put:put+n]...)
			b.tell()
		}
		changed := b.changed
		b.mu.Unlock()
		put += n
		if put == len(p) {
			break
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return put, ctx.Err()
		}
	}
	return put, nil
}

// Take moves what is there into p, and waits for at least one byte or the end of ctx.
func (b *Buffer) Take(ctx context.Context, p []byte) (int, error) {
	for {
		b.mu.Lock()
		n := copy(p, b.held)
		if n > 0 {
			b.held = b.held[:copy(b.held, b.held[n:])]
			b.tell()
		}
		changed := b.changed
		b.mu.Unlock()
		if n > 0 || len(p) == 0 {
			return n, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// tell wakes whoever waits; mu is held.
func (b *Buffer) tell() {
	close(b.changed)
	b.changed = make(chan struct{})
}
