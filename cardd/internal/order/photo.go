package order

import (
	"encoding/base64"
	"errors"
	"io"
	"os"
	"strings"

	"jukicard/apdu/secret"
	"jukicard/cardd/juki"
)

// SizePhotoMax is the largest photograph in bytes (online JPEG up to 7 MB; rules
// fact sheet, 7).
const SizePhotoMax = 7 << 20

// sizeFileMax bounds an order that names its photograph; ours.
const sizeFileMax = 64 << 10

// errPhotoLarge tells FileIn's caller that a file is too large.
var errPhotoLarge = errors.New("cannot read photograph: it is too large")

// photo reads the photograph and holds its presence against the product.
func (r *reader) photo(f form) {
	present := f.has("photo") || f.has("photo_data")
	if r.eligible {
		if err := r.order.Eligibility().CheckPhoto(present); err != nil {
			r.contradiction(err)
			return
		}
	}
	if !present {
		return
	}
	field, image := r.image(f)
	switch {
	case image == nil:
	case len(image) > SizePhotoMax:
		f.problems.note(refuse("ORDER-PHOTO-LARGE", field, SizePhotoMax))
	case len(image) == 0:
		f.problems.note(refuse("ORDER-PHOTO-UNUSABLE", field))
	default:
		if r.checks.Photo != nil {
			f.problems.noteErr(r.checks.Photo(image), field, "ORDER-PHOTO-UNUSABLE")
		}
		r.order.Photo = secret.New(image)
	}
}

// image is the photograph's bytes, from inside the order or from beside it; nil
// when refused. field is where they came from.
func (r *reader) image(f form) (field string, image []byte) {
	name := f.text("photo", optional)
	if f.has("photo_data") {
		return "photo_data", r.inside(f)
	}
	switch {
	case name == nil:
		return "photo", nil
	case !fitFileName(view(name)):
		f.problems.note(refuse("ORDER-PHOTO-NAME", "photo"))
		return "photo", nil
	case r.fetch == nil:
		f.problems.note(refuse("ORDER-PHOTO-INLINE", "photo"))
		return "photo", nil
	}
	image, err := r.fetch(string(name))
	r.document.copies = append(r.document.copies, image)
	if err != nil {
		f.problems.note(fileProblem(err))
		return "photo", nil
	}
	return "photo", image
}

// fileProblem does not quote err, which names the file, perhaps after the person.
func fileProblem(err error) *juki.InputError {
	if errors.Is(err, errPhotoLarge) {
		return refuse("ORDER-PHOTO-LARGE", "photo", SizePhotoMax)
	}
	return refuse("ORDER-PHOTO-FILE", "photo")
}

// inside is photo_data: bytes in CBOR, base64 in either form.
func (r *reader) inside(f form) []byte {
	if v := f.values["photo_data"]; v != nil && v.kind == kindBytes {
		return v.data[:len(v.data):len(v.data)]
	}
	b := f.textMax("photo_data", optional, base64.StdEncoding.EncodedLen(SizePhotoMax))
	if b == nil {
		return nil
	}
	image := make([]byte, base64.StdEncoding.DecodedLen(len(b)))
	r.document.copies = append(r.document.copies, image)
	n, err := base64.StdEncoding.Strict().Decode(image, b)
	if err != nil || strings.ContainsAny(view(b), "\r\n") { // Decode skips line breaks
		f.problems.note(refuse("ORDER-PHOTO-BASE64", "photo_data"))
		return nil
	}
	return image[:n]
}

// fitFileName accepts the bare name of a file on any system.
func fitFileName(name string) bool {
	return name != "" && len(name) <= 255 && name != "." && name != ".." &&
		!strings.ContainsAny(name, "/\\:\x00")
}

// FileIn fetches photographs from a folder, for Parse. Nothing outside the folder
// is opened, also through links, and nothing but regular files.
func FileIn(dir string) func(name string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		root, err := os.OpenRoot(dir)
		if err != nil {
			return nil, err
		}
		defer func() { _ = root.Close() }() // a folder, only read
		info, err := root.Stat(name)
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() {
			return nil, errors.New("cannot read photograph: it is not a regular file")
		}
		file, err := root.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }() // only read
		return readBounded(file, info.Size())
	}
}

// readBounded reads a file of about size bytes in one buffer, so that no outgrown
// one is left behind.
func readBounded(file io.Reader, size int64) ([]byte, error) {
	if size > SizePhotoMax {
		return nil, errPhotoLarge
	}
	b := make([]byte, size+1)
	n, err := io.ReadFull(file, b)
	switch {
	case err == nil:
		clear(b)
		return nil, errors.New("cannot read photograph: it is being written")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return b[:n], nil
	default:
		return b[:0], err
	}
}

// Inline makes the wire form of an order: the photograph that the order in JSON b
// names, read from dir, stands inside as photo_data. An order without a name, or
// with photo_data already, comes back as it is. Nothing else is judged: that is
// Parse's business. The error is Problems. The result is the caller's to clear.
func Inline(dir string, b []byte) ([]byte, error) {
	d := document{root: rootOrder, b: b}
	defer d.clear()
	n, broken := d.readJSON()
	if broken != nil {
		return nil, Problems{broken}
	}
	name, inline := photoNamed(n)
	switch {
	case !inline:
		return append([]byte{}, b...), nil
	case len(b) > sizeFileMax:
		return nil, Problems{refuse("ORDER-SIZE", rootOrder, sizeFileMax)}
	case !fitFileName(name):
		return nil, Problems{refuse("ORDER-PHOTO-NAME", "photo")}
	}
	image, err := FileIn(dir)(name)
	defer clear(image)
	if err != nil {
		return nil, Problems{fileProblem(err)}
	}
	return withPhoto(b, image), nil
}

// photoNamed is the name of a photograph that is still to be put inside.
func photoNamed(n node) (name string, ok bool) {
	for _, f := range n.fields {
		switch {
		case strings.EqualFold(view(f.name), "photo_data"):
			return "", false
		case view(f.name) == "photo" && f.value.kind == kindText:
			name, ok = string(f.value.data), true
		}
	}
	return name, ok
}

// withPhoto puts photo_data first into the object b, which is not empty.
func withPhoto(b, image []byte) []byte {
	brace := strings.IndexByte(view(b), '{') + 1
	const before, after = `"photo_data":"`, `",`
	out := make([]byte, 0, len(b)+len(before)+len(after)+base64.StdEncoding.EncodedLen(len(image)))
	out = append(append(out, b[:brace]...), before...)
	out = base64.StdEncoding.AppendEncode(out, image)
	return append(append(out, after...), b[brace:]...)
}
