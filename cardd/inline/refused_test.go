package inline

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"image"
	"image/jpeg"
	"strings"
	"testing"

	"jukicard/cardd/client"
)

// picture is a JPEG of that size with nothing on it.
func picture(t *testing.T, w, h int) string {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, w, h)), nil); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// TestNoCardIsFedForBadInput: what cannot be printed, or is no photograph, is refused with
// a code and a remedy before the hopper moves, and nothing of the resident is in the answer.
func TestNoCardIsFedForBadInput(t *testing.T) {
	s := newShop(t, machines[0])
	c := s.serve(t)
	resident := func(field, value string) func(map[string]any) {
		return func(o map[string]any) { o["resident"].(map[string]any)[field] = value }
	}
	field := func(name string, value any) func(map[string]any) {
		return func(o map[string]any) { o[name] = value }
	}
	entry := func(name, value string) func(map[string]any) {
		return func(o map[string]any) { o["entry"].(map[string]any)[name] = value }
	}
	issue, endorse := s.apply().wire, s.entry("0999000000000001", false).wire
	for _, row := range []struct {
		name  string
		order []byte
		spoil func(map[string]any)
		code  string
	}{
		{"a character that no font has", issue, resident("name", "架空\U00030000"), "ORDER"},
		{"a name longer than its field", issue, resident("name", strings.Repeat("長", 400)), "ORDER"},
		{"an address longer than its field", issue, resident("address", strings.Repeat("架空県架空市", 100)), "ORDER"},
		{"no photograph", issue, field("photo_data", base64.StdEncoding.EncodeToString([]byte("not a picture"))), "ORDER"},
		{"a photograph of a few dots", issue, field("photo_data", picture(t, 8, 8)), "ORDER"},
		{"an entry longer than the lines", endorse, entry("content", strings.Repeat("架空県架空市港町", 25)), "FACE-OVERFLOW"},
		{"an entry of a character that no font has", endorse, entry("content", "\U00030000"), "ORDER-TEXT-GLYPH"},
		{"a seal of too many characters", endorse, entry("seal", strings.Repeat("印", 60)), ""},
		{"a day that is none", endorse, entry("date", "2026-02-30"), "JUKI-DATE"},
		{"a layout that nobody has", endorse, field("panel", map[string]any{"layout": "mynumber-1", "version": 99}), "ENTRY"},
		{"a full 追記欄", endorse, field("panel", map[string]any{"layout": "mynumber-1", "version": 2, "entries": map[string]any{"1": map[string]any{"lines": 4}}}), "ENTRY-NO-ROOM"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var o map[string]any
			if err := json.Unmarshal(row.order, &o); err != nil {
				t.Fatal(err)
			}
			row.spoil(o)
			wire, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.At(at).Issue(t.Context(), wire, s.last.pins, false)
			var refused *client.Failure
			if !errors.As(err, &refused) || !strings.HasPrefix(refused.Code, row.code) {
				t.Fatalf("got %v, want %s", err, row.code)
			}
			if strings.ContainsAny(err.Error(), "長港\U00030000") {
				t.Errorf("the error's text tells of the resident: %v", err)
			}
		})
	}
	if n := len(s.press.Cards()); n != 0 {
		t.Errorf("%d cards left the hopper", n)
	}
	if jobs, err := c.Jobs(t.Context()); err != nil || len(jobs) != 0 {
		t.Errorf("%d jobs: %v", len(jobs), err)
	}
}
