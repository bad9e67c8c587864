package face

import (
	"fmt"
	"path"
	"strings"
	"testing"
)

func TestLayoutsAreFilesWithVersions(t *testing.T) {
	files, err := layoutFiles.ReadDir("layouts")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(Layouts()) {
		t.Fatalf("%d files, %d layouts", len(files), len(Layouts()))
	}
	for _, l := range Layouts() {
		name := fmt.Sprintf("%s.v%d.json", l.Name, l.Version)
		if _, err := layoutFiles.ReadFile(path.Join("layouts", name)); err != nil {
			t.Errorf("version %d of %s is not in the file %s", l.Version, l.Name, name)
		}
		if !strings.HasPrefix(l.Source, "ours") {
			t.Errorf("%s: source %q does not say that the coordinates are ours", name, l.Source)
		}
		if got, err := LookupLayout(l.Name, l.Version); err != nil || got != l {
			t.Errorf("%s is not found: %v", name, err)
		}
	}
	if DefaultLayout.Name != "mynumber-1" || DefaultLayout.Version != 2 {
		t.Errorf("the default is %s version %d", DefaultLayout.Name, DefaultLayout.Version)
	}
	if l, err := NewestLayout("mynumber-1"); err != nil || l != DefaultLayout {
		t.Errorf("the newest mynumber-1 is not the default: %v", err)
	}
	if _, err := NewestLayout("mynumber-9"); err == nil || !strings.Contains(err.Error(), "mynumber-9") {
		t.Errorf("a layout nobody knows: %v", err)
	}
	if _, err := LookupLayout("mynumber-1", 99); err == nil || !strings.HasPrefix(err.Error(), "cannot find ") {
		t.Errorf("version 99: %v", err)
	}
}

// A layout that cards were printed with does not change: version 1 draws what it drew.
func TestOldVersionsDrawAsBefore(t *testing.T) {
	old, err := LookupLayout("mynumber-1", 1)
	if err != nil {
		t.Fatal(err)
	}
	d := people()["remarks"]
	before, now := mustRender(t, fontsOf(t), old, d), mustRender(t, fontsOf(t), DefaultLayout, d)
	if hashOf(before.Front) != hashOf(now.Front) || hashOf(before.Back) != hashOf(now.Back) {
		t.Error("version 2 adds the box for 職印 to later entries alone, but a new card differs")
	}
}
