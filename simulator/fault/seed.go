package fault

import (
	"math/rand/v2"

	"jukicard/apdu"
)

// Odds say how often what goes wrong. The zero value is: any kind, at one command in
// 40, up to command 400.
type Odds struct {
	Every int    // commands from one fault to the next, on average
	Upto  int    // the last command at which anything goes wrong, at most 1,000,000
	Most  int    // faults in all; 0: as they fall
	Kinds []Kind // drawn from evenly: name a kind twice to have it twice as often
}

func (o Odds) orUsual() Odds {
	if o.Every <= 0 {
		o.Every = 40
	}
	if o.Upto <= 0 {
		o.Upto = 400
	}
	o.Upto = min(o.Upto, atMax)
	if o.Most <= 0 || o.Most > linesMax {
		o.Most = linesMax
	}
	if len(o.Kinds) == 0 {
		o.Kinds = Kinds()
	}
	return o
}

// refusals are what a seeded card answers when it refuses.
var refusals = []apdu.SW{
	apdu.SWUnknown, apdu.SWMemoryFailure, apdu.SWNotEnoughMemory, apdu.SWSecurityStatus, apdu.SWConditionsNotSatisfied,
	apdu.SWFileNotFound, apdu.SWReferenceDataNotFound, apdu.SWWrongLength, apdu.SWWrongData, apdu.SWInstructionNotSupported,
}

// Seeded draws a script. The same seed and odds give the same script, on every machine
// and whatever the card does.
func Seeded(seed uint64, o Odds) Script {
	o = o.orUsual()
	// Uint64 alone: PCG's numbers are a standard, how rand.Rand shapes them is not.
	d := &dice{rand.NewPCG(seed, 0x6A756B6963617264)}
	var s Script
	for at := d.gap(o.Every); at <= o.Upto && len(s) < o.Most; at += d.gap(o.Every) {
		s = append(s, d.fault(at, o.Kinds))
	}
	return s
}

type dice struct{ *rand.PCG }

// below is 0 to n-1. The bias of a remainder is n in 2⁶⁴.
func (d *dice) below(n int) int { return int(d.Uint64() % uint64(n)) }

// gap is 1 to 2·mean-1.
func (d *dice) gap(mean int) int { return 1 + d.below(2*mean-1) }

func (d *dice) fault(at int, among []Kind) Fault {
	f := Fault{At: at, Kind: among[d.below(len(among))]}
	switch kinds[f.Kind].argument {
	case byteNumber:
		f.Byte = d.byteNumber()
	case statusWord:
		f.SW = refusals[d.below(len(refusals))]
	}
	return f
}

// byteNumber is the first or the last byte once in four, else one that is as likely
// among the first 16 as in the hundreds: changes are of 1 to 2,048 bytes.
func (d *dice) byteNumber() int {
	switch d.below(8) {
	case 0:
		return 0
	case 1:
		return End
	}
	return d.below(1 << (1 + d.below(11)))
}

// Singles are the faults that are worth trying at one command each: every kind, at the
// bytes where it makes a difference. An issue tried with each of them at each of its
// commands has met every single fault.
func Singles(at int) []Fault {
	return []Fault{
		{At: at, Kind: LostBefore},
		{At: at, Kind: LostAfter},
		{At: at, Kind: TornCommit},
		{At: at, Kind: TornCommit, Byte: 1},
		{At: at, Kind: TornCommit, Byte: 120},
		{At: at, Kind: TornCommit, Byte: End},
		{At: at, Kind: Refused, SW: apdu.SWUnknown},
		{At: at, Kind: Refused, SW: apdu.SWMemoryFailure},
		{At: at, Kind: RefusedAfter, SW: apdu.SWMemoryFailure},
		{At: at, Kind: Garbled},
		{At: at, Kind: Garbled, Byte: End},
		{At: at, Kind: Short},
		{At: at, Kind: Long, Byte: 1},
		{At: at, Kind: Long, Byte: End},
		{At: at, Kind: Stalled},
		{At: at, Kind: MuteAfter},
		{At: at, Kind: Pulled},
		{At: at, Kind: Pulled, Byte: End},
		{At: at, Kind: Swapped},
		{At: at, Kind: Swapped, Byte: End},
		{At: at, Kind: Reset},
	}
}
