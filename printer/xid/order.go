package xid

import "strings"

// op is what the printer is told or asked, whichever language it is in.
type op int

// Those from opLoad on take the mechanism's time.
const (
	opIdentify op = iota + 1
	opReady       // what its state is: a *senseError, or nothing wrong
	opPosition
	opCounters
	opSupplies
	opNoRetry
	opPlane
	opPlanes // whether all planes have come in
	opLoad
	opMove
	opEngage
	opRelease
	opFilm
	opTransfer
	opTestCard
)

// place is a position as the printer numbers them (revk/cardprint, usb.txt).
type place byte

const (
	atHead        place = 0
	atContact     place = 1
	atContactless place = 2
	atReject      place = 4
	atEject       place = 5
)

// panel is a colour, in the order of the ribbon.
type panel byte

const (
	yellow panel = iota
	magenta
	cyan
	black
	panels // how many
)

// then is what a transfer does with the card afterwards.
type then byte

const (
	thenReturn then = iota
	thenFlip
)

// order is one command.
type order struct {
	op    op
	place place   // of load, move, engage and release
	flip  bool    // of move
	panel panel   // of plane
	data  []byte  // of plane
	print []panel // of film
	then  then    // of transfer
}

// cardsThere is how both languages say that the hopper has cards; 2 is that it has none.
const cardsThere = 0

// size is in dots.
type size struct{ width, height int }

// answer is what it said; each order fills its own part.
type answer struct {
	maker, model, serial, firmware string // of identify
	plane                          size   // of identify; zero when the language does not say

	inside bool // of position: a card is inside
	place  place

	total, sinceClean uint64 // of counters

	ribbon ribbon // of supplies
}

// ribbon is what is left to print with.
type ribbon struct {
	kind  byte // 0 YMCK, 4 YMCKK, 5 YMCKU, FE unknown
	total int  // sets when new
	left  int  // in fiftieths
	film  int  // in tenths
	cards bool // some are in the hopper
	retry int  // how often it tries by itself; 0 also when it does not say
}

// model is a row of what is known of each printer.
type model struct {
	dpi      int
	plane    size
	turned   bool   // the plane is upside down
	greeting uint32 // parameter of the document information; nobody knows what it means
}

// models by how the type begins that the printer gives itself: there are an XID580i and
// others. Source of all: revk/cardprint, xidserver.c (for the XID8600 its dumps in
// usb.txt as well).
var models = []struct {
	prefix string
	model
}{
	{"XID8600", model{dpi: 600, plane: size{2072, 1328}, turned: true, greeting: 2}},
	{"XID580", model{dpi: 300, plane: size{1036, 664}}},
}

func modelOf(kind string) (model, bool) {
	for _, m := range models {
		if strings.HasPrefix(kind, m.prefix) {
			return m.model, true
		}
	}
	return model{}, false
}
