// Package people invents residents for tests and demonstrations: an order for a
// My Number card (個人番号カード), a drawn portrait and PINs for each.
//
// Everybody here is plainly invented. They live in 架空市 (the word means
// "imaginary"), whose municipality code 99201 lies outside the prefectures 01 to
// 47 of JIS X 0401; their numbers begin with 9999; their portraits are cartoons.
// Nothing of a real person belongs here.
//
// # What it leaves out
//
// The package shares no code with the daemon. It writes the order's form from
// its own knowledge and computes check digits with its own arithmetic, so that a
// mistake of the daemon's shows as a disagreement. It judges nothing: whether an
// order is right is the daemon's business.
package people

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Person is one invented resident with everything an issue needs.
type Person struct {
	Name  string // by which people are asked for: "adult"
	About string // one line in English: what this person is for
	Order []byte // order.json, version 1
	Photo []byte // photo.jpg, a JPEG; nil for a card without a photograph
	PINs  []byte // pins.json; "{}" where the holder sets none
}

// Names lists everybody, in the order of List.
func Names() []string {
	names := make([]string, len(roster))
	for i, c := range roster {
		names[i] = c.name
	}
	return names
}

// Upcoming names those whose orders are for the draft of the next card, mynumber-2-draft;
// Names and List leave them out.
func Upcoming() []string {
	names := make([]string, len(upcoming))
	for i, c := range upcoming {
		names[i] = c.name
	}
	return names
}

// List is everybody, with ages reckoned from today.
func List() []Person {
	all := make([]Person, len(roster))
	for i := range roster {
		all[i] = roster[i].person(i, time.Now())
	}
	return all
}

// Get is the person of a name. Dates are relative to today, a civil day in Japan,
// so that an infant is still one in ten years; the zero time means now. The same
// name and day give the same bytes.
func Get(name string, today time.Time) (Person, error) {
	if today.IsZero() {
		today = time.Now()
	}
	for i := range roster {
		if roster[i].name == name {
			return roster[i].person(i, today), nil
		}
	}
	for i := range upcoming {
		if upcoming[i].name == name {
			return upcoming[i].person(placeUpcoming+i, today), nil
		}
	}
	return Person{}, fmt.Errorf("cannot find person %q: there are %s", name, strings.Join(append(Names(), Upcoming()...), ", "))
}

// Write puts order.json, photo.jpg (where there is a photograph) and pins.json
// into dir, which is made when absent. The files are readable by their owner
// alone, as files of real people would be.
func Write(dir string, p Person) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cannot write person %s: %v", p.Name, err)
	}
	files := []struct {
		name string
		data []byte
	}{{"order.json", p.Order}, {"photo.jpg", p.Photo}, {"pins.json", p.PINs}}
	for _, f := range files {
		if f.data == nil {
			continue
		}
		if err := writePrivate(filepath.Join(dir, f.name), f.data); err != nil {
			return fmt.Errorf("cannot write person %s: %v", p.Name, err)
		}
	}
	return nil
}

// writePrivate leaves mode 0600 also where the file was there before.
func writePrivate(path string, data []byte) error {
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return err
	}
	return os.Chmod(path, 0o600)
}
