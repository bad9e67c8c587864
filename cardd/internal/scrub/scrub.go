// Package scrub overwrites what the garbage collector has let go of, so that a core
// of the daemon, or a page that reaches the swap area, shows nothing of a card that
// is done.
//
// Buffers that carried a secret are cleared by whoever made them. What nobody can
// clear, such as strings, the insides of hash functions and encoders, and buffers
// that append outgrew, becomes garbage, and Go leaves garbage as it was until the
// place is used again. [Heap] uses every such place once: objects given out by the
// allocator are zeroed, and whole free pages go back to the system, which gives
// them back zeroed.
//
// It leaves out what is still referenced, the unused ends of the stacks of
// goroutines that live on, and memory that C libraries and SQLite manage themselves.
// It makes a leak rare, not impossible: the first defence is to clear buffers. And
// it rests on how the Go runtime places objects (size classes, runtime/malloc.go of
// Go 1.26): should that change, its test fails, and nothing else breaks.
package scrub

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"unsafe"
)

// Sweeper does [Heap] for whoever asks, in one goroutine, once for all who asked
// meanwhile. Its methods may be called by several goroutines.
type Sweeper struct{ asked chan struct{} }

// New is a sweeper that waits for its Run.
func New() *Sweeper { return &Sweeper{asked: make(chan struct{}, 1)} }

// Soon asks for a sweep that begins after this call. It does not wait.
func (s *Sweeper) Soon() {
	select {
	case s.asked <- struct{}{}:
	default: // somebody asked, and that sweep has not begun
	}
}

// Run sweeps until ctx ends.
func (s *Sweeper) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.asked:
			Heap()
		}
	}
}

// Heap collects the garbage and overwrites it. It takes some tens of milliseconds of
// one processor, longer with a larger heap, during which the program goes on on
// that one. One goroutine at a time may call it.
func Heap() {
	// One processor: each has places of its own that only it would use again.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	runtime.GC() // what sync.Pools hold moves to their second half, and is let go below
	// The first round may fill places in new spans and leave the rest of these as it
	// was; the second gives them back.
	for range 2 {
		debug.FreeOSMemory()
		fillStacks()
		fillAll()
	}
	debug.FreeOSMemory()
}

// fillAll fills the free places of every size class.
func fillAll() {
	// A collection meanwhile would let the first ones go again.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for size := sizeMin; size <= sizeMax; size = roundUp(size + 1) {
		fill(size, bytesOf)
		fill(size, pointersOf)
	}
}

// The size classes in which small objects lie; a larger object has pages of its own.
const (
	sizeMin   = 8
	sizeMax   = 32 << 10
	sizeTiny  = 16  // smaller objects without pointers share a place of this size
	sizePlain = 512 // larger objects with pointers have a word in front
	sizeWord  = int(unsafe.Sizeof(uintptr(0)))
)

// roundUp is the size class of n bytes.
func roundUp(n int) int { return cap(append([]byte(nil), make([]byte, n)...)) }

// kept makes what is allocated escape to the heap.
var kept struct {
	bytes    []byte
	pointers []*byte
}

func bytesOf(size int) { kept.bytes = make([]byte, max(size, sizeTiny)) }

func pointersOf(size int) {
	if size > sizePlain {
		size -= sizeWord
	}
	kept.pointers = make([]*byte, size/sizeWord)
}

const (
	batch   = 64 << 10 // bytes allocated between two looks at what is free
	overMax = 2        // batches that filled little before a class counts as full: a look is exact only to some pages
)

// fill allocates until objects of a size no longer come from free places among
// used ones.
func fill(size int, allocate func(int)) {
	for free, over := unused(), 0; over < overMax; {
		for range max(batch/size, 1) {
			allocate(size)
		}
		now := unused()
		if now+batch/4 > free {
			over++
		}
		free = now
	}
	kept.bytes, kept.pointers = nil, nil
}

// Stacks have places of four sizes; a larger one has pages of its own.
const (
	stackMin   = 2 << 10  // bytes (runtime/stack.go: stackMin)
	stackMax   = 16 << 10 // (runtime/malloc.go: _NumStackOrders)
	stackAtOne = 96       // goroutines at once for each size: more than a daemon has at work
	stackGuard = 928      // bytes at the end of each that only a function without check uses (runtime/stack.go)
	stackRoom  = 640      // bytes of these that such a function may have
	frameSize  = 96       // bytes of locals of reach
	frameUsed  = 144      // bytes of its frame in all, at most
)

// fillStacks has goroutines reach down stacks of each size, all at once, so that
// each takes a place of its own and leaves it zeroed.
func fillStacks() {
	for size := uint(stackMin); size <= stackMax; size *= 2 {
		var reached, ended sync.WaitGroup
		leave := make(chan struct{})
		reached.Add(stackAtOne)
		wait := func() { reached.Done(); <-leave }
		for range stackAtOne {
			ended.Go(func() { reach((size-stackGuard)/frameUsed-2, wait) })
		}
		reached.Wait()
		close(leave)
		ended.Wait()
	}
}

// reach goes down so many frames, zeroes them and what is below, and calls f there.
//
//go:noinline
func reach(frames uint, f func()) byte {
	var frame [frameSize]byte
	frame[frames%frameSize] = below(frames)
	if frames > 0 {
		frame[0] |= reach(frames-1, f)
	} else {
		f()
	}
	return frame[frames%frameSize]
}

// below zeroes the bytes under its caller's frame that are left when a stack is as
// good as used up: it may not ask for more, so it finds itself even there. Which byte
// it gives does not matter, but that the compiler does not know which.
//
//go:nosplit
//go:noinline
func below(at uint) byte {
	var room [stackRoom]byte
	return room[at%stackRoom]
}

// unused is how many bytes are free among used ones.
func unused() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/unused:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
