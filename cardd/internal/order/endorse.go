package order

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"

	"jukicard/apdu/secret"
	"jukicard/cardd/juki"
)

// Endorsement is what an order to endorse asks for: one entry (追記) in the 追記欄 of a
// card that its holder has brought to the window. Either Entry is to be printed, or an
// entry of ByHand lines was written and sealed by hand and is to be recorded, which the
// register's specification leaves to every municipality (rules fact sheet, 4.1).
type Endorsement struct {
	Card   string // the card's number, 16 characters
	Entry  Entry
	ByHand int    // lines of an entry by hand; 0 when Entry is to be printed
	Panel  *Panel // what the clerk says stands on the card; nil leaves it to the station's record
}

// Entry is the entry to be printed: the four things that a card-face printer of the
// register's specification puts there (rules fact sheet, 4.1).
type Entry struct {
	Date    Private[juki.Date] // 届出日
	Reason  secret.Bytes       // 異動事由
	Content secret.Bytes       // 異動後の項目内容; empty where the reason says all
	Seal    secret.Bytes       // the words of 職印; empty leaves the box open for a stamp
}

// Panel is the 追記欄 of a card as the clerk sees it: with which layout the card was
// printed, and the entries that stand there, first to last. Nothing in it is personal.
type Panel struct {
	Layout  string
	Version int
	Entries []Written
}

// Written is an entry that stands on the card already.
type Written struct {
	Lines  int
	ByHand bool
}

// Limits of an order to endorse, in characters and lines. They are ours and generous:
// what there is room for the layout says.
const (
	reasonCharsMax  = 40
	contentCharsMax = 200
	sealCharsMax    = 16
	linesMax        = 16
	versionMax      = 9999
)

// CardNumberLen is the length of a card's number (製造番号, rules fact sheet, 1.3).
const CardNumberLen = 16

// firstCards is the first day on which there were such cards.
var firstCards = juki.Date{Year: 2016, Month: 1, Day: 1}

// Format prints "[entry]" whatever the verb.
func (e Entry) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[entry]") }

// LogValue shows nothing of the entry.
func (e Entry) LogValue() slog.Value { return slog.StringValue("[entry]") }

// MarshalJSON refuses.
func (e Entry) MarshalJSON() ([]byte, error) { return nil, ErrMarshal }

// MarshalCBOR refuses.
func (e Entry) MarshalCBOR() ([]byte, error) { return nil, ErrMarshal }

// destroy clears what is personal.
func (e Endorsement) destroy() {
	for _, s := range []secret.Bytes{e.Entry.Reason, e.Entry.Content, e.Entry.Seal} {
		s.Destroy()
	}
}

// endorsement reads an order to endorse.
func (r *reader) endorsement(f form) {
	r.head(f)
	r.order.Product = r.product(f, optional)
	e := &r.order.Endorsement
	e.Card = f.plain("card", "ORDER-CARD", fitCardNumber)
	if f.has("entry") == f.has("by_hand") {
		f.problems.note(refuse("ORDER-ENTRY-ONE", f.field("entry")))
	}
	if f.has("entry") {
		e.Entry = r.entry(f.object("entry", required, "date", "reason", "content", "seal"))
	}
	if f.has("by_hand") {
		e.ByHand = f.object("by_hand", required, "lines").number("lines", "ORDER-LINES", linesMax)
	}
	if f.has("panel") {
		e.Panel = panel(f.object("panel", required, "layout", "version", "entries"))
	}
}

// fitCardNumber accepts the number of a card.
func fitCardNumber(s string) bool {
	return len(s) == CardNumberLen && strings.Trim(s, digits+capitals[:6]) == ""
}

// entry reads what is to be printed.
func (r *reader) entry(f form) Entry {
	e := Entry{
		Reason:  r.printed(f, "reason", required, reasonCharsMax),
		Content: r.printed(f, "content", optional, contentCharsMax),
		Seal:    r.printed(f, "seal", optional, sealCharsMax),
	}
	if d := f.day("date", required); d != nil {
		if d.Before(firstCards) {
			f.problems.note(refuse("ORDER-ENTRY-DATE", f.field("date")))
		}
		e.Date = keep(*d)
	}
	return e
}

// panel reads what stands on the card.
func panel(f form) *Panel {
	p := &Panel{Layout: f.plain("layout", "ORDER-LAYOUT", fitLayout), Version: f.number("version", "ORDER-LAYOUT-VERSION", versionMax)}
	if !f.has("entries") {
		return p
	}
	places := make([]string, linesMax)
	for i := range places {
		places[i] = strconv.Itoa(i + 1)
	}
	all := f.object("entries", required, places...)
	for i, place := range places[:min(len(all.values), linesMax)] {
		if !all.has(place) {
			f.problems.note(refuse("ORDER-PANEL-PLACES", f.field("entries")))
			break
		}
		one := all.object(place, required, "lines", "by_hand")
		p.Entries = append(p.Entries, Written{Lines: one.number("lines", "ORDER-LINES", linesMax)})
		if one.has("by_hand") {
			p.Entries[i].ByHand = one.boolean("by_hand")
		}
	}
	return p
}

// fitLayout accepts a layout's name.
func fitLayout(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz"+digits+"-") == ""
}
