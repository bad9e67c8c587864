package face

import (
	"cmp"
	"embed"
	"fmt"
	"path"
	"slices"
)

// The layouts inside, a file a version. A version that cards were printed with is
// never changed: what is added to a card later must find its lines.
//
//go:embed layouts/*.json
var layoutFiles embed.FS

var builtIn = loadBuiltIn()

func loadBuiltIn() []*Layout {
	names, err := layoutFiles.ReadDir("layouts")
	if err != nil {
		panic("internal error: " + err.Error())
	}
	all := make([]*Layout, len(names))
	for i, f := range names {
		raw, err := layoutFiles.ReadFile(path.Join("layouts", f.Name()))
		if err == nil {
			all[i], err = LoadLayout(raw)
		}
		if err != nil {
			panic("internal error: " + f.Name() + ": " + err.Error())
		}
	}
	slices.SortFunc(all, func(a, b *Layout) int { return cmp.Or(cmp.Compare(a.Name, b.Name), a.Version-b.Version) })
	return all
}

// Layouts are the layouts inside, by name and version.
func Layouts() []*Layout { return slices.Clone(builtIn) }

// LookupLayout is the layout inside of that name and version.
func LookupLayout(name string, version int) (*Layout, error) {
	for _, l := range builtIn {
		if l.Name == name && l.Version == version {
			return l, nil
		}
	}
	return nil, fmt.Errorf("cannot find version %d of the layout %s: load its file", version, name)
}

// DefaultLayout is the newest version of mynumber-1: the fields of the present card
// (rules sheet, 7) at places of our own choice, marked 見本 on both sides, at 300 dpi.
var DefaultLayout = newest("mynumber-1")

// NewestLayout is the latest version of the layout inside of that name.
func NewestLayout(name string) (*Layout, error) {
	if l := newest(name); l != nil {
		return l, nil
	}
	return nil, fmt.Errorf("cannot find a layout %s: load its file", name)
}

func newest(name string) *Layout {
	for _, l := range slices.Backward(builtIn) {
		if l.Name == name {
			return l
		}
	}
	return nil
}
