package journal

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

const cardInUse = "0999000000000017"

// entered is the record of something that came to stand on the holder's card.
func entered(how ...string) Record {
	r := Record{Kind: Outcome, Step: "print entry", Body: json.RawMessage(`{"result":"ok"}`)}
	for _, h := range how {
		r.Panels = append(r.Panels, Panel{Card: cardInUse, How: h, Body: json.RawMessage(`{"how":"` + h + `"}`)})
	}
	return r
}

func TestPanelsFollowEachOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Panel(t.Context(), cardInUse); !errors.Is(err, ErrUnknown) {
		t.Errorf("a card of which nothing is known: %v", err)
	}
	for n, job := range []string{"one", "two"} {
		createJob(t, j, job)
		made, err := j.AppendWith(t.Context(), job, [...]Record{entered(PanelTold, PanelPrinted), entered(PanelSpoilt)}[n])
		if err != nil {
			t.Fatal(err)
		}
		last, err := j.Panel(t.Context(), cardInUse)
		if want := int64(2 + n); err != nil || last.N != want || last.Job != job || !last.At.Equal(made.At) || last.Card != cardInUse {
			t.Errorf("the panel is %+v: %v", last, err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	again := openAt(t, path)
	if last, err := again.Panel(t.Context(), cardInUse); err != nil || last.How != PanelSpoilt || string(last.Body) != `{"how":"spoilt"}` {
		t.Errorf("read again it is %+v: %v", last, err)
	}
	if _, err := again.Panel(t.Context(), "0999000000000018"); !errors.Is(err, ErrUnknown) {
		t.Errorf("another card: %v", err)
	}
	if err := again.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// A record and its panel are durable together or not at all.
func TestAPanelComesWithItsRecord(t *testing.T) {
	j, _ := openNew(t)
	createJob(t, j, "one")
	for name, row := range map[string]struct {
		panel Panel
		want  error
	}{
		"a way that is none": {Panel{Card: cardInUse, How: "guessed", Body: json.RawMessage("{}")}, ErrInvalid},
		"no card":            {Panel{How: PanelTold, Body: json.RawMessage("{}")}, ErrInvalid},
		"no JSON":            {Panel{Card: cardInUse, How: PanelTold, Body: json.RawMessage("{")}, ErrInvalid},
		"too long":           {Panel{Card: cardInUse, How: PanelTold, Body: json.RawMessage(`"` + strings.Repeat("x", PanelMax) + `"`)}, ErrTooLarge},
	} {
		r := entered()
		r.Panels = []Panel{row.panel}
		if _, err := j.AppendWith(t.Context(), "one", r); !errors.Is(err, row.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	records, err := j.Records(t.Context(), "one")
	if err != nil || len(records) != 0 {
		t.Errorf("%d records stand: %v", len(records), err)
	}
	if _, err := j.Append(t.Context(), "nobody", entered(PanelIssued)); !errors.Is(err, ErrUnknown) {
		t.Errorf("a job that is none: %v", err)
	}
	if _, err := j.Panel(t.Context(), cardInUse); !errors.Is(err, ErrUnknown) {
		t.Errorf("a panel came without its record: %v", err)
	}
}

func TestAChangedPanelIsNoticed(t *testing.T) {
	for name, statements := range map[string][]string{
		"changed":   {"DROP TRIGGER panel_stays", `UPDATE panel SET body = CAST('{}' AS BLOB) WHERE n = 1`},
		"taken out": {"DROP TRIGGER panel_kept", "DELETE FROM panel WHERE n = 1"},
		"put in":    {"INSERT INTO panel (card, n, job, at, how, body, hash) VALUES ('" + cardInUse + "', 3, 'one', 1, 'told', x'7b7d', x'00')"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal.db")
			j, err := Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			createJob(t, j, "one")
			if _, err := j.Append(t.Context(), "one", entered(PanelIssued, PanelPrinted)); err != nil {
				t.Fatal(err)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			tamper(t, path, statements...)
			again := openAt(t, path)
			if _, err := again.Panel(t.Context(), cardInUse); !errors.Is(err, ErrChain) {
				t.Errorf("got %v", err)
			}
			if err := again.Verify(t.Context()); !errors.Is(err, ErrChain) {
				t.Errorf("it is verified: %v", err)
			}
			if _, err := again.Append(t.Context(), "one", entered(PanelPrinted)); !errors.Is(err, ErrChain) {
				t.Errorf("a further panel stands on it: %v", err)
			}
		})
	}
}

func TestPanelsAreAppendOnly(t *testing.T) {
	j, _ := openNew(t)
	createJob(t, j, "one")
	if _, err := j.Append(t.Context(), "one", entered(PanelIssued)); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"UPDATE panel SET how = 'told'", "DELETE FROM panel"} {
		if _, err := j.db.Exec(s); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", s, err)
		}
	}
}
