package main

import "testing"

func TestExchange(t *testing.T) {
	short, long := shortLink(), extendedLink(2048)
	for _, row := range []struct {
		name string
		l    link
		n, m int
		want traffic
	}{
		{"case 1", short, 0, 0, traffic{1, 4 + 2}},
		{"case 2 short", short, 0, 16, traffic{1, 5 + 18}},
		{"case 2 short, the most", short, 0, 256, traffic{1, 5 + 258}},
		{"case 3 short", short, 10, 0, traffic{1, 5 + 10 + 2}},
		{"case 4 short: INITIALIZE UPDATE is 14 and 34", short, 8, 32, traffic{1, 14 + 34}},
		{"EXTERNAL AUTHENTICATE is 21 and 2", short, 16, 0, traffic{1, 21 + 2}},
		{"an answer that takes GET RESPONSE", short, 0, 280, traffic{2, 5 + 256 + 2 + 5 + 24 + 2}},
		{"one that takes two", short, 0, 600, traffic{3, 5 + 258 + 5 + 258 + 5 + 90}},
		{"short form over an extended link", long, 255, 256, traffic{1, 4 + 1 + 255 + 1 + 258}},
		{"case 2 extended", long, 0, 257, traffic{1, 4 + 3 + 259}},
		{"case 3 extended", long, 256, 0, traffic{1, 4 + 3 + 256 + 2}},
		{"case 4 extended", long, 10, 257, traffic{1, 4 + 3 + 10 + 2 + 259}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := row.l.exchange(row.n, row.m); got != row.want {
				t.Errorf("got %+v, want %+v", got, row.want)
			}
		})
	}
}

// TestWrapped: C-DEC 16*(floor(n/16)+1)+8, and u = 239 short, 2031 in 2048.
func TestWrapped(t *testing.T) {
	for n, want := range map[int]int{0: 8, 1: 24, 15: 24, 16: 40, 239: 248, 240: 264, 2031: 2040, 2032: 2056} {
		if got := wrapped(n); got != want {
			t.Errorf("%d bytes become %d, want %d", n, got, want)
		}
	}
	for field, want := range map[int]int{255: 239, 256: 239, 2048: 2031} {
		if got := inside(field); got != want {
			t.Errorf("%d bytes of a field of %d, want %d", got, field, want)
		}
	}
}

// TestChunks: A(S,u) for the payload and the chunk sizes of the physics sheet.
func TestChunks(t *testing.T) {
	const payload = 30784
	for u, want := range map[int]int{255: 121, 248: 125, 239: 129, 2048: 16, 2031: 16} {
		if got := chunks(payload, u); got != want {
			t.Errorf("%d commands of %d, want %d", got, u, want)
		}
	}
	if chunks(0, 255) != 0 || chunks(255, 255) != 1 || chunks(256, 255) != 2 {
		t.Error("an empty content takes commands, or a boundary is off by one")
	}
}

// fourCertificates have the 5,524 bytes of the physics sheet. Only the sum and the
// 24 reads of 256 matter; the first, of 1,604 bytes, was seen.
var fourCertificates = []int{1604, 1400, 1300, 1220}

// TestFourCertificates: 31 commands and 5,768 bytes short, 11 and 5,636 extended,
// where every file is selected, the PIN's too, and the PIN has seven characters. By
// short identifier the five SELECT of nine bytes each are not needed.
func TestFourCertificates(t *testing.T) {
	const aid, pin = 10, 7
	for _, row := range []struct {
		l        link
		selected traffic
		least    traffic
	}{
		{shortLink(), traffic{31, 5768}, traffic{26, 5768 - 5*9}},
		{extendedLink(2048), traffic{11, 5636}, traffic{6, 5636 - 5*9}},
	} {
		t.Run(row.l.name, func(t *testing.T) {
			got := row.l.readout(aid, pin, fourCertificates)
			if got != row.least {
				t.Errorf("by short identifier %+v, want %+v", got, row.least)
			}
			for range len(fourCertificates) + 1 {
				got.add(row.l.exchange(2, 0)) // SELECT by file identifier
			}
			if got != row.selected {
				t.Errorf("with files selected %+v, want %+v", got, row.selected)
			}
		})
	}
}

// TestWriteAndRead: bytes by hand. A write is 4+1+wrapped out and the MAC and status
// back; a read is the MAC and Le out.
func TestWriteAndRead(t *testing.T) {
	short, long := shortLink(), extendedLink(2048)
	for _, row := range []struct {
		name      string
		got, want traffic
	}{
		{"write nothing", short.write(0), traffic{}},
		{"write one chunk", short.write(239), traffic{1, 5 + 248 + 8 + 2}},
		{"write one byte more", short.write(240), traffic{2, 5 + 248 + 10 + 5 + 24 + 10}},
		{"write extended", long.write(2031), traffic{1, 7 + 2040 + 10}},
		{"write extended what fits the short form", long.write(200), traffic{1, 5 + 216 + 10}},
		{"read one chunk", short.read(239), traffic{1, 5 + 8 + 1 + 248 + 2}},
		{"read one byte more", short.read(240), traffic{2, 5 + 8 + 1 + 250 + 5 + 8 + 1 + 26}},
		{"read a whole file extended", long.read(20000), traffic{1, 4 + 3 + 8 + 2 + 20016 + 8 + 2}},
		{"public key short", short.secured(template, publicTo), traffic{2, 5 + 24 + 1 + 280 + 2 + 5 + 2}},
		{"public key extended", long.secured(template, publicTo), traffic{1, 4 + 3 + 24 + 2 + 280 + 2}},
		{"lock", short.secured(0, 0), traffic{1, 5 + 8 + 8 + 2}},
		{"channel", short.channel(10), traffic{3, 15 + 2 + 14 + 34 + 21 + 2}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if row.got != row.want {
				t.Errorf("got %+v, want %+v", row.got, row.want)
			}
		})
	}
}

// TestMinimumIsTheSumOfItsParts: a card of one application with one thing of each
// kind, counted by hand.
func TestMinimumIsTheSumOfItsParts(t *testing.T) {
	j := job{
		label: 32, cardID: 16, blank: 1, locked: 37, domain: 8, identification: 10, objects: []int{5},
		applications: []application{{aid: 10, published: 1, made: 1, files: []int{1600}, records: []int{30}, references: []int{4}}},
	}
	if got := j.payload(); got != 1635 {
		t.Errorf("payload %d, want 1635", got)
	}
	const (
		identify = 5
		open     = 3
		reads    = 1 // of the maker's key, or 2 in short form
		keys     = 2
		record   = 2
		pin      = 2
		object   = 2
		end      = 3 // lock, SELECT, look
	)
	for _, row := range []struct {
		l    link
		want int
	}{
		// In short form the two public keys and the two signatures take GET RESPONSE.
		{shortLink(), identify + 2*open + reads + keys + 3 + 2 + 2*7 + record + pin + object + end},
		{extendedLink(2048), identify + 2*open + reads + keys + 1 + 2*1 + record + pin + object + end},
	} {
		if got := row.l.minimum(j); got.apdus != row.want {
			t.Errorf("%s: %d round trips, want %d", row.l.name, got.apdus, row.want)
		}
	}
	more := j
	more.objects = append(more.objects, 8)
	before, after := shortLink().minimum(j), shortLink().minimum(more)
	if got := (traffic{after.apdus - before.apdus, after.bytes - before.bytes}); got != (traffic{2, 5 + 24 + 10 + 5 + 8 + 1 + 26}) {
		t.Errorf("one object more costs %+v", got)
	}
}
