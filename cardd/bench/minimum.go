package main

// The fewest round trips and bytes that any issuer needs for a card, from the
// formulas of ISO/IEC 7816-3:2006, 12.1, and GlobalPlatform Amendment D 1.1.2, 6.2,
// and the commands of docs/CARD-WRITING.md. It shares no line with cardd/plan or
// apdu/scp03, so that a mistake there shows as a difference here.
//
// What every issuer must do is taken to be: find out which card it is and in what
// state; open the channel once on each application that is written; inside it read
// the public keys the maker put there, make the holder's keys, have a request signed
// by each, write every content and read it back, set every reference and present it
// once; write and read back the issuer domain's data objects; lock; and look at the
// locked card once as anybody can. Everything personal goes through the channel, so
// nothing is saved by reading in the clear.

// traffic is what goes over the wire.
type traffic struct {
	apdus int // round trips, GET RESPONSE included
	bytes int // of commands and responses, status words included
}

func (t *traffic) add(o traffic) {
	t.apdus += o.apdus
	t.bytes += o.bytes
}

// link is a way of sending: the most bytes in the data fields.
type link struct {
	name        string
	commandMax  int
	responseMax int
}

// Lengths in the two forms of APDU.
const (
	header          = 4 // CLA INS P1 P2
	status          = 2 // SW1 SW2
	shortDataMax    = 255
	shortAnswerMax  = 256
	extendedMax     = 65536
	getResponseSent = header + 1
)

func shortLink() link { return link{"short", shortDataMax, shortAnswerMax} }

// extendedLink is extended length on a card that takes so many bytes of command data.
func extendedLink(commandMax int) link { return link{"extended", commandMax, extendedMax} }

// chunks is A(S,u) = ceil(S/u): the commands for size bytes with u in each.
func chunks(size, u int) int { return (size + u - 1) / u }

// exchange is one command with n bytes of data that is answered by m bytes.
func (l link) exchange(n, m int) traffic { return l.send(n, m, m > 0) }

// send is C = 4 + lc + n + le and R = m + 2, with lc 0, 1 or 3 and le 0, 1, 2 or 3;
// expects says whether Le stands in the command. An answer that does not fit is
// fetched by GET RESPONSE.
func (l link) send(n, m int, expects bool) traffic {
	extended := n > shortDataMax || m > shortAnswerMax && l.responseMax > shortAnswerMax
	var lc, le int
	switch {
	case extended && n > 0:
		lc, le = 3, 2
	case extended:
		le = 3
	case n > 0:
		lc, le = 1, 1
	default:
		le = 1
	}
	if !expects {
		le = 0
	}
	t := traffic{1, header + lc + n + le + m + status}
	for ; m > l.responseMax; m -= l.responseMax {
		t.add(traffic{1, getResponseSent + status})
	}
	return t
}

// Secure messaging of SCP03 at level 33 in mode S8.
const (
	macLen   = 8
	cipher   = 16
	publicN  = 256                             // RSA-2048
	publicE  = 3                               // 65537
	template = 2 + 3                           // B6 { 84 ref }
	publicTo = 5 + (4 + publicN) + 2 + publicE // 7F49 82 hh ll { 81 82 hh ll n, 82 03 e }
	digestOf = 19 + 32                         // DigestInfo of SHA-256 (RFC 8017, 9.2, note 1)
	signed   = 256
)

// wrapped is a data field of n bytes under secure messaging: padded by at least one
// byte to whole blocks where there is any, and a MAC.
func wrapped(n int) int {
	if n > 0 {
		n = cipher * (n/cipher + 1)
	}
	return n + macLen
}

// inside is the most plain bytes of a wrapped data field: 239 of 255, 2031 of 2048.
func inside(field int) int { return cipher*((field-macLen)/cipher) - 1 }

// secured is one exchange inside the channel. Le counts plain bytes: where only the
// MAC comes back there is none.
func (l link) secured(n, m int) traffic { return l.send(wrapped(n), wrapped(m), m > 0) }

// write and read move a content in the largest parts that fit.
func (l link) write(size int) traffic {
	return l.parts(size, inside(l.commandMax), func(n int) traffic { return l.secured(n, 0) })
}

func (l link) read(size int) traffic {
	return l.parts(size, inside(l.responseMax), func(n int) traffic { return l.secured(0, n) })
}

func (l link) parts(size, most int, each func(n int) traffic) (t traffic) {
	for range chunks(size, most) {
		n := min(size, most)
		t.add(each(n))
		size -= n
	}
	return t
}

// channel is SELECT by name, INITIALIZE UPDATE (14 / 34) and EXTERNAL AUTHENTICATE
// (21 / 2) on a card that states its sequence counter.
func (l link) channel(aid int) (t traffic) {
	t.add(l.exchange(aid, 0))
	t.add(l.exchange(8, 10+3+8+8+3))
	t.add(l.exchange(8+macLen, 0))
	return t
}

// job is one card to be issued, as lengths in bytes.
type job struct {
	label, cardID  int // what says which card it is
	blank, locked  int // the personalisation state before and after
	applications   []application
	domain         int   // AID of the issuer domain
	objects        []int // its data objects
	identification int   // AID that says it is a My Number card
}

// application is one that is written.
type application struct {
	aid        int
	published  int   // keys of the maker's whose public half is needed
	made       int   // keys made on the card; each signs one request, and a challenge for its certificate
	files      []int // transparent EFs
	records    []int // record EFs, of one record each
	references []int // PINs and 照合番号
}

// payload is the contents alone.
func (j job) payload() (n int) {
	for _, a := range j.applications {
		for _, list := range [][]int{a.files, a.records} {
			for _, size := range list {
				n += size
			}
		}
	}
	for _, size := range j.objects {
		n += size
	}
	return n
}

// minimum is the least traffic that issues the card.
func (l link) minimum(j job) (t traffic) {
	t.add(l.exchange(j.identification, 0))
	t.add(l.exchange(0, j.label))
	t.add(l.exchange(j.domain, 0))
	t.add(l.exchange(0, j.cardID))
	t.add(l.exchange(0, j.blank))
	for _, a := range j.applications {
		t.add(l.personalise(a))
	}
	t.add(l.channel(j.domain))
	for _, size := range j.objects {
		t.add(l.secured(size, 0))
		t.add(l.secured(0, size))
	}
	t.add(l.secured(0, 0)) // SET STATUS
	t.add(l.exchange(j.domain, 0))
	t.add(l.exchange(0, j.locked))
	return t
}

// personalise is everything done in one application.
func (l link) personalise(a application) (t traffic) {
	t.add(l.channel(a.aid))
	for range a.published + a.made {
		t.add(l.secured(template, publicTo))
	}
	for range a.made {
		t.add(l.secured(digestOf, signed))
		t.add(l.secured(digestOf, signed))
	}
	for _, size := range a.files {
		t.add(l.write(size))
		t.add(l.read(size))
	}
	for _, size := range a.records {
		t.add(l.secured(size, 0))
		t.add(l.secured(0, size))
	}
	for _, size := range a.references {
		t.add(l.secured(size, 0)) // set
		t.add(l.secured(size, 0)) // proven
	}
	return t
}

// readout is the least traffic that reads objects of one application in the clear
// behind one VERIFY: by short identifier, so that no EF is selected.
func (l link) readout(aid, pin int, objects []int) (t traffic) {
	t.add(l.exchange(aid, 0))
	t.add(l.exchange(pin, 0))
	for _, size := range objects {
		t.add(l.parts(size, l.responseMax, func(n int) traffic { return l.exchange(0, n) }))
	}
	return t
}
