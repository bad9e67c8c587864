package pki_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"jukicard/pki"
	"jukicard/pki/pkitest"
)

func TestHolderCheck(t *testing.T) {
	tests := []struct {
		name string
		edit func(h *pki.Holder)
		says string // empty: accepted
	}{
		{"as is", func(*pki.Holder) {}, ""},
		{"birth unknown", func(h *pki.Holder) { h.Birth = "400000000" }, ""},
		{"era unknown", func(h *pki.Holder) { h.Birth = "019800101" }, ""},
		{"day outside the calendar", func(h *pki.Holder) { h.Birth = "319810229" }, ""},
		{"sex not applicable", func(h *pki.Holder) { h.Sex = "9" }, ""},
		{"substituted name", func(h *pki.Holder) { h.NameSubstituted = "10000" }, ""},
		{"補助漢字", func(h *pki.Holder) { h.Name = "山田　侊郎" }, ""},
		{"alphabetic name", func(h *pki.Holder) { h.Name, h.NameSubstituted = "ＫＡＫＵ　ＪＯＨＮ", "000000000" }, ""},
		{"address of 200", func(h *pki.Holder) {
			h.Address, h.AddressSubstituted = strings.Repeat("架", 200), strings.Repeat("0", 200)
		}, ""},
		{"address of 201", func(h *pki.Holder) {
			h.Address, h.AddressSubstituted = strings.Repeat("架", 201), strings.Repeat("0", 201)
		}, "holder address: must have 1 to 200"},
		{"no name", func(h *pki.Holder) { h.Name, h.NameSubstituted = "", "" }, "holder name"},
		{"not UTF-8", func(h *pki.Holder) { h.Name = "山田\xff太郎" }, "holder name"},
		{"positions too few", func(h *pki.Holder) { h.NameSubstituted = "0000" }, "one 0 or 1 per character, 5"},
		{"positions of bytes", func(h *pki.Holder) { h.NameSubstituted = strings.Repeat("0", len(h.Name)) }, "per character"},
		{"positions of another digit", func(h *pki.Holder) { h.AddressSubstituted = "2" + h.AddressSubstituted[1:] }, "holder address"},
		{"外字", func(h *pki.Holder) { h.Name = "髙田　太郎" }, "character 1 is outside JIS X 0208"},
		{"variation selector", func(h *pki.Holder) { h.Name, h.NameSubstituted = "辻\U000E0101田　太郎", "000000" }, "character 2"},
		{"line break", func(h *pki.Holder) { h.Address = "架\n" + h.Address[6:] }, "holder address"},
		{"birth too short", func(h *pki.Holder) { h.Birth = "31980010" }, "holder birth"},
		{"era of no name", func(h *pki.Holder) { h.Birth = "619800101" }, "holder birth"},
		{"Japanese year", func(h *pki.Holder) { h.Birth = "300550101" }, "holder birth"},
		{"year outside the era", func(h *pki.Holder) { h.Birth = "519800101" }, "holder birth"},
		{"month 13", func(h *pki.Holder) { h.Birth = "319801301" }, "holder birth"},
		{"sex of no code", func(h *pki.Holder) { h.Sex = "男" }, "holder sex"},
		{"no sex", func(h *pki.Holder) { h.Sex = "" }, "holder sex"},
		{"prefecture in kanji", func(h *pki.Holder) { h.Prefecture = "東京都" }, "holder prefecture"},
		{"no city", func(h *pki.Holder) { h.City = "" }, "holder city"},
		{"city with a line break", func(h *pki.Holder) { h.City = "Kakuu-shi\n" }, "holder city"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := pkitest.Person()
			tt.edit(&h)
			err := h.Check()
			if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("want %q, got %v", tt.says, err)
			}
		})
	}
}

// A holder is not shown by any printer, logger or encoder, nor inside a request.
func TestHolderIsNotShown(t *testing.T) {
	h := pkitest.Person()
	r := pki.Request{ID: "job-1", Purpose: pki.Signature, Holder: h}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb, h, &h, r)
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("certify", "holder", h, "request", r, "pointer", &r, "list", []pki.Request{r})
	}
	encoded, err := json.Marshal(r)
	if err == nil {
		t.Error("a request marshals")
	}
	out.Write(encoded)
	for _, value := range []string{"山田", h.Address, h.Birth, h.City, h.NameSubstituted, fmt.Sprintf("%x", "山田")} {
		if strings.Contains(out.String(), value) {
			t.Errorf("shows %q:\n%s", value, out.String())
		}
	}
	if !strings.Contains(out.String(), "job-1") {
		t.Error("does not show which request it is")
	}
}

func TestReason(t *testing.T) {
	for r, want := range map[pki.Reason]string{
		pki.Unspecified: "unspecified", pki.AffiliationChanged: "affiliationChanged",
		pki.CertificateHold: "certificateHold", 8: "reason 8", -1: "reason -1",
	} {
		if r.String() != want || r.Valid() == strings.HasPrefix(want, "reason") {
			t.Errorf("reason %d: got %v, valid %v", int(r), r, r.Valid())
		}
	}
}
