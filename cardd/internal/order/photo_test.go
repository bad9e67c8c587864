//go:build unix

package order

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"jukicard/simulator/people"
)

// folder has the adult's files.
func folder(t testing.TB) (string, people.Person) {
	t.Helper()
	dir := t.TempDir()
	p, _ := person(t, "adult")
	if err := people.Write(dir, p); err != nil {
		t.Fatal(err)
	}
	return dir, p
}

func TestInlineMakesTheWireForm(t *testing.T) {
	dir, p := folder(t)
	wire, err := Inline(dir, p.Order)
	if err != nil {
		t.Fatal(err)
	}
	o, err := Parse(wire, nil, Checks{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, o, parsed(t, "adult"))
	if !bytes.Equal([]byte(open(t, o.Photo)), p.Photo) {
		t.Error("the photograph differs")
	}
	again, err := Inline(dir, wire)
	if err != nil || !bytes.Equal(again, wire) {
		t.Errorf("the wire form is changed again (%v)", err)
	}
}

func TestInlineLeavesWhatHasNoPhotograph(t *testing.T) {
	infant, _ := person(t, "infant")
	for name, doc := range map[string]string{
		"an infant": string(infant.Order), "not an order": `[1]`, "a number for a photo": ` {"photo":1}`, "an empty object": `{}`,
	} {
		got, err := Inline(t.TempDir(), []byte(doc))
		if err != nil || string(got) != doc {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestInlineRefuses(t *testing.T) {
	dir, p := folder(t)
	outside := filepath.Join(t.TempDir(), "outside.jpg")
	err := errors.Join(
		os.WriteFile(outside, p.Photo, 0o600),
		os.Symlink(outside, filepath.Join(dir, "link.jpg")),
		os.Mkdir(filepath.Join(dir, "folder"), 0o700),
		syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600),
		os.WriteFile(filepath.Join(dir, "large.jpg"), nil, 0o600),
		os.Truncate(filepath.Join(dir, "large.jpg"), SizePhotoMax+1))
	if err != nil {
		t.Fatal(err)
	}
	rows := []struct{ name, photo, code string }{
		{"not there", "山田太郎.jpg", "ORDER-PHOTO-FILE"},
		{"a link that leads out", "link.jpg", "ORDER-PHOTO-FILE"},
		{"a folder", "folder", "ORDER-PHOTO-FILE"},
		{"a pipe", "pipe", "ORDER-PHOTO-FILE"},
		{"too large", "large.jpg", "ORDER-PHOTO-LARGE"},
		{"a way out", "../outside.jpg", "ORDER-PHOTO-NAME"},
		{"an absolute path", outside, "ORDER-PHOTO-NAME"},
		{"a way out on Windows", `..\outside.jpg`, "ORDER-PHOTO-NAME"},
		{"a drive", "C:photo.jpg", "ORDER-PHOTO-NAME"},
		{"the folder itself", ".", "ORDER-PHOTO-NAME"},
		{"no name", "", "ORDER-PHOTO-NAME"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			doc := documentOf(t, "adult").with("photo", row.photo).json(t)
			_, err := Inline(dir, doc)
			list := problems(t, err, "山田太郎.jpg", outside)
			if len(list) != 1 || list[0].Code != row.code || list[0].Field != "photo" {
				t.Errorf("got %v", err)
			}
		})
	}
	for name, row := range map[string][2]string{
		"broken":    {`{"photo":`, "ORDER-JSON"},
		"too large": {`{"photo":"photo.jpg"` + strings.Repeat(" ", sizeFileMax) + `}`, "ORDER-SIZE"},
	} {
		_, err := Inline(dir, []byte(row[0]))
		if list := problems(t, err); list.Code() != row[1] {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Inline(filepath.Join(dir, "absent"), p.Order); problems(t, err).Code() != "ORDER-PHOTO-FILE" {
		t.Errorf("an absent folder: %v", err)
	}
}

// failing is a file that cannot be read to its end.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("disk") }

func TestReadBounded(t *testing.T) {
	if b, err := readBounded(strings.NewReader("abc"), 3); err != nil || string(b) != "abc" {
		t.Errorf("got %q, %v", b, err)
	}
	if b, err := readBounded(strings.NewReader("a"), 3); err != nil || string(b) != "a" {
		t.Errorf("a file that shrank: %q, %v", b, err)
	}
	if _, err := readBounded(strings.NewReader("abcd"), 3); err == nil {
		t.Error("a file that grows is read")
	}
	if _, err := readBounded(failing{}, 3); err == nil {
		t.Error("a failing disk is not told")
	}
}
