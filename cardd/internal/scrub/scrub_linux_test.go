package scrub

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"
)

// mark is what the tests leave in memory and look for, kept in another form so that
// looking does not make more of it.
var mark = func() (m [16]byte) {
	sum := sha256.Sum256([]byte("scrub"))
	copy(m[:], sum[:])
	return m
}()

const veil = 0x5A

// marked is a new slice of n bytes with the mark at its beginning, if it has room.
// It is not inlined, so that the slice is on the heap and not on the caller's stack.
//
//go:noinline
func marked(n int) []byte {
	b := make([]byte, n)
	for i := range min(n, len(mark)) {
		b[i] = mark[i] ^ veil
	}
	return b
}

// litter leaves marks in garbage of every size, with and without pointers.
// No collection comes in between: a place that it freed could become the stack of a
// goroutine that lives on, which is what Heap leaves out.
func litter() {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	type row struct {
		next *row
		text [16]byte
		_    [600]byte
	}
	var rows *row
	var alive [][]byte // every other object lives on, so that no page is free as a whole
	for size := len(mark); size < 64<<10; size += 1 + size/5 {
		for i := range 40 {
			b := marked(size)
			if i%2 == 0 {
				clear(b)
				alive = append(alive, b)
			}
			rows = &row{next: rows}
			copy(rows.text[:], marked(len(mark)))
		}
	}
	var text strings.Builder
	for range 100 {
		text.Write(marked(len(mark)))
	}
	_, _ = json.Marshal(text.String()) // its buffer is pooled
	held = alive
}

var held [][]byte

// found counts the mark in all of this process's memory.
func found(t *testing.T) (n int) {
	t.Helper()
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = maps.Close() }()
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mem.Close() }()
	buffer := make([]byte, 1<<20)
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to uint64
		var mode string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &mode); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(mode, "rw") {
			continue
		}
		for at := from; at < to; at += uint64(len(buffer)) {
			piece := buffer[:min(uint64(len(buffer)), to-at)]
			if _, err := mem.ReadAt(piece, int64(at)); err != nil && err != io.EOF {
				break // the guard of a stack
			}
			n += count(piece)
			clear(piece)
		}
	}
	return n
}

func count(b []byte) (n int) {
	for i := 0; i+len(mark) <= len(b); i++ {
		j := bytes.IndexByte(b[i:], mark[0]^veil)
		if j < 0 {
			return n
		}
		i += j
		same := i+len(mark) <= len(b)
		for k := 0; same && k < len(mark); k++ {
			same = b[i+k] == mark[k]^veil
		}
		if same {
			n++
		}
	}
	return n
}

func TestHeapLeavesNothingOfGarbage(t *testing.T) {
	litter()
	before := found(t)
	if before < 100 {
		t.Fatalf("only %d marks in memory: the test does not litter", before)
	}
	Heap()
	if after := found(t); after > before/100 { // rare, not impossible: see the package comment
		t.Errorf("%d marks of %d are left", after, before)
	}
	if len(held) == 0 {
		t.Error("what was alive is gone")
	}
}

func TestSweeperSweepsForWhoeverAsked(t *testing.T) {
	s := New()
	litter()
	before := found(t)
	s.Soon()
	s.Soon() // one sweep for both
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	for deadline := time.Now().Add(20 * time.Second); found(t) > before/100; {
		if time.Now().After(deadline) {
			t.Fatal("never swept")
		}
	}
	stop()
	running.Wait()
}

func BenchmarkHeap(b *testing.B) {
	for b.Loop() {
		Heap()
	}
}
