package face

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
)

func TestDataPrintsNothingPersonal(t *testing.T) {
	d := sample()
	c := mustChip(t, d)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		for _, v := range []any{d, &d, c, &c, []Data{d}, struct{ D Data }{d}} {
			checkQuiet(t, d, fmt.Sprintf(verb, v))
		}
	}
	if s := fmt.Sprint(d); s != "[face data]" {
		t.Errorf("it prints %q", s)
	}
	if s := fmt.Sprint(c); s != "[face data]" {
		t.Errorf("the chip's images print %q", s)
	}
	if b, err := json.Marshal(d); err == nil {
		t.Errorf("it became %d bytes of JSON", len(b))
	}
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
		slog.New(h).Info("face", "data", d, "chip", c)
	}
	checkQuiet(t, d, log.String())
	if n := bytes.Count(log.Bytes(), []byte("[face data]")); n != 4 {
		t.Errorf("the log shows %d placeholders, want 4: %s", n, log.String())
	}
}

func TestBackRepeatsTheFront(t *testing.T) {
	d := Data{Name: "見本　花子", BirthText: "平成元年"}
	if d.text("name_back") != d.Name || d.text("birth_back") != d.BirthText {
		t.Error("without texts of its own the back does not repeat the front")
	}
	d.NameBack, d.BirthBack = "見本　裏", "1989年"
	if d.text("name_back") != d.NameBack || d.text("birth_back") != d.BirthBack {
		t.Error("the back's own texts are not used")
	}
}
