package journal

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// openAt opens a journal that the test closes at its end.
func openAt(t testing.TB, path string) *Journal {
	t.Helper()
	j, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

func openNew(t testing.TB) (*Journal, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	return openAt(t, path), path
}

func sample(id string) Job {
	return Job{ID: id, OrderID: "order-" + id, Station: "window 1", Profile: "mynumber-1", Product: "standard", Operation: "issue", PlanDigest: "sha256:" + id}
}

func createJob(t testing.TB, j *Journal, id string) {
	t.Helper()
	if err := j.Create(t.Context(), sample(id), []byte("sealed order of "+id)); err != nil {
		t.Fatal(err)
	}
}

func appendTo(t testing.TB, j *Journal, id string, n int) []Record {
	t.Helper()
	var records []Record
	for i := range n {
		r, err := j.Append(t.Context(), id, Record{Kind: Outcome, Step: fmt.Sprintf("update text/attributes %d", i), Body: json.RawMessage(`{"result":"ok"}`)})
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}

// tamper opens the file behind the journal's back, without the triggers that
// keep records as they are.
func tamper(t testing.TB, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	for _, s := range append([]string{"DROP TRIGGER IF EXISTS record_stays", "DROP TRIGGER IF EXISTS record_kept", "DROP TRIGGER IF EXISTS job_kept"}, statements...) {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func TestJobComesBackAsItWasCreated(t *testing.T) {
	j, path := newClosed(t)
	want := sample("1")
	want.CardID, want.Created, want.Total = "card-9", time.Date(2031, 3, 4, 5, 6, 7, 89, time.FixedZone("JST", 9*3600)), 40
	if err := j.Create(t.Context(), want, []byte("sealed")); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := openAt(t, path).Job(t.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	want.State, want.Created = Running, want.Created.UTC()
	want.Updated = want.Created
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// newClosed is openNew for tests that close the journal themselves.
func newClosed(t testing.TB) (*Journal, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "deep", "er", "journal.db")
	j, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return j, path
}

func TestRecordsComeBackAsTheyWereAppended(t *testing.T) {
	j, path := newClosed(t)
	createJob(t, j, "1")
	at := time.Date(2031, 1, 2, 3, 4, 5, 6, time.UTC)
	var want []Record
	for _, r := range []Record{
		{Kind: Planned, At: at, Body: json.RawMessage(`{"plan": {"steps":[]}}`)},
		{Kind: Intent, Step: "generate jpki/sign-key"},
		{Kind: Outcome, Step: "generate jpki/sign-key", Body: json.RawMessage(`{"result":"ok","facts":{"spki":"MIIB"}}`)},
		{Kind: Crashed}, {Kind: Resumed}, {Kind: State, Body: json.RawMessage(`"山"`)}, {Kind: Signed},
	} {
		got, err := j.Append(t.Context(), "1", r)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, got)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = openAt(t, path)
	got, err := j.Records(t.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if !got[0].At.Equal(at) || got[0].Seq != 1 || got[6].Seq != 7 || string(got[1].Body) != "null" {
		t.Errorf("got %+v", got)
	}
	if err := j.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAppendGoesOnWhenTheCallerIsGone(t *testing.T) {
	j, _ := openNew(t)
	createJob(t, j, "1")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := j.Append(gone, "1", Record{Kind: Outcome, Step: "lock"}); err != nil {
		t.Fatal(err)
	}
	if records, err := j.Records(t.Context(), "1"); err != nil || len(records) != 1 {
		t.Errorf("got %d records, %v", len(records), err)
	}
}

func TestRefusals(t *testing.T) {
	full := json.RawMessage(`"` + strings.Repeat("x", BodyMax-2) + `"`)
	over := json.RawMessage(`"` + strings.Repeat("x", BodyMax-1) + `"`)
	rows := []struct {
		name string
		do   func(context.Context, *Journal) error
		want *Error // nil: it is taken
	}{
		{"a job without an id", func(ctx context.Context, j *Journal) error {
			return j.Create(ctx, Job{OrderID: "o"}, nil)
		}, ErrInvalid},
		{"a job without an order", func(ctx context.Context, j *Journal) error {
			return j.Create(ctx, Job{ID: "2"}, nil)
		}, ErrInvalid},
		{"a job in a state that is none", func(ctx context.Context, j *Journal) error {
			return j.Create(ctx, Job{ID: "2", OrderID: "o", State: "asleep"}, nil)
		}, ErrInvalid},
		{"a sealed order over the limit", func(ctx context.Context, j *Journal) error {
			return j.Create(ctx, sample("2"), make([]byte, SealedMax+1))
		}, ErrTooLarge},
		{"an id twice", func(ctx context.Context, j *Journal) error {
			return j.Create(ctx, Job{ID: "1", OrderID: "another"}, nil)
		}, ErrExists},
		{"a second job for an order that is in work", func(ctx context.Context, j *Journal) error {
			return j.Create(ctx, Job{ID: "2", OrderID: "order-1"}, nil)
		}, ErrExists},
		{"a second job for an order that is held", func(ctx context.Context, j *Journal) error {
			return errors.Join(j.SetState(ctx, "1", Held, "", 0, 0), j.Create(ctx, Job{ID: "2", OrderID: "order-1"}, nil))
		}, ErrExists},
		{"a second job for an order whose card was spoiled", func(ctx context.Context, j *Journal) error {
			return errors.Join(j.SetState(ctx, "1", Spoiled, "", 0, 0), j.Create(ctx, Job{ID: "2", OrderID: "order-1"}, nil))
		}, nil},
		{"a spoiled job brought back while another does its order", func(ctx context.Context, j *Journal) error {
			return errors.Join(j.SetState(ctx, "1", Spoiled, "", 0, 0), j.Create(ctx, Job{ID: "2", OrderID: "order-1"}, nil), j.SetState(ctx, "1", Running, "", 0, 0))
		}, ErrExists},
		{"a state that is none", func(ctx context.Context, j *Journal) error {
			return j.SetState(ctx, "1", "asleep", "", 0, 0)
		}, ErrInvalid},
		{"the state of no job", func(ctx context.Context, j *Journal) error {
			return j.SetState(ctx, "9", Done, "", 0, 0)
		}, ErrUnknown},
		{"the card of no job", func(ctx context.Context, j *Journal) error {
			return j.SetCard(ctx, "9", "c")
		}, ErrUnknown},
		{"the order of no job dropped", func(ctx context.Context, j *Journal) error {
			return j.DropSealed(ctx, "9")
		}, ErrUnknown},
		{"the order of no job", func(ctx context.Context, j *Journal) error {
			_, err := j.Sealed(ctx, "9")
			return err
		}, ErrUnknown},
		{"an order that was dropped", func(ctx context.Context, j *Journal) error {
			_, err := j.Sealed(ctx, "1")
			err = errors.Join(err, j.DropSealed(ctx, "1"))
			_, gone := j.Sealed(ctx, "1")
			return errors.Join(err, gone)
		}, ErrDropped},
		{"no job", func(ctx context.Context, j *Journal) error {
			_, err := j.Job(ctx, "9")
			return err
		}, ErrUnknown},
		{"the records of no job", func(ctx context.Context, j *Journal) error {
			_, err := j.Records(ctx, "9")
			return err
		}, ErrUnknown},
		{"a record for no job", func(ctx context.Context, j *Journal) error {
			_, err := j.Append(ctx, "9", Record{Kind: Intent})
			return err
		}, ErrUnknown},
		{"a record of no kind", func(ctx context.Context, j *Journal) error {
			_, err := j.Append(ctx, "1", Record{})
			return err
		}, ErrInvalid},
		{"a body that is not JSON", func(ctx context.Context, j *Journal) error {
			_, err := j.Append(ctx, "1", Record{Kind: Intent, Body: json.RawMessage("{")})
			return err
		}, ErrInvalid},
		{"a body at the limit", func(ctx context.Context, j *Journal) error {
			_, err := j.Append(ctx, "1", Record{Kind: Intent, Body: full})
			return err
		}, nil},
		{"a body over the limit", func(ctx context.Context, j *Journal) error {
			_, err := j.Append(ctx, "1", Record{Kind: Intent, Body: over})
			return err
		}, ErrTooLarge},
		{"a plan may be longer", func(ctx context.Context, j *Journal) error {
			_, err := j.Append(ctx, "1", Record{Kind: Planned, Body: over})
			return err
		}, nil},
		{"a receipt that names many plans", func(ctx context.Context, j *Journal) error {
			_, err := j.Append(ctx, "1", Record{Kind: Signed, Body: over})
			return err
		}, nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			j, _ := openNew(t)
			createJob(t, j, "1")
			err := row.do(t.Context(), j)
			if row.want == nil && err != nil || row.want != nil && !errors.Is(err, row.want) {
				t.Fatalf("got %v, want %v", err, row.want)
			}
			if err := j.Verify(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAppendStopsAtRecordsMax(t *testing.T) {
	j, path := newClosed(t)
	createJob(t, j, "1")
	appendTo(t, j, "1", 1)
	if err := errors.Join(j.SetState(t.Context(), "1", Done, "", 1, 1), j.Close()); err != nil {
		t.Fatal(err)
	}
	// As if 4096 had been written: the limit is read from the job.
	tamper(t, path, fmt.Sprintf("UPDATE job SET records = %d", RecordsMax))
	_, err := openAt(t, path).Append(t.Context(), "1", Record{Kind: Intent})
	if !errors.Is(err, ErrRecords) || !strings.Contains(err.Error(), "4096") {
		t.Errorf("got %v, want %v", err, ErrRecords)
	}
}

func TestListings(t *testing.T) {
	j, _ := openNew(t)
	for _, id := range []string{"1", "2", "3", "4"} {
		createJob(t, j, id)
	}
	ctx := t.Context()
	for _, err := range []error{
		j.SetCard(ctx, "2", "card-7"), j.SetCard(ctx, "4", "card-7"),
		j.SetState(ctx, "1", Held, "the authority does not answer", 3, 40),
		j.SetState(ctx, "2", Spoiled, "", 0, 0), j.SetState(ctx, "3", Done, "", 40, 40),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	rows := []struct {
		name string
		list func() ([]Job, error)
		want string
	}{
		{"newest first", func() ([]Job, error) { return j.Jobs(ctx, 10) }, "4 3 2 1"},
		{"no more than asked for", func() ([]Job, error) { return j.Jobs(ctx, 2) }, "4 3"},
		{"none for a limit below zero", func() ([]Job, error) { return j.Jobs(ctx, -1) }, ""},
		{"running and held are unfinished", func() ([]Job, error) { return j.Unfinished(ctx) }, "1 4"},
		{"by card", func() ([]Job, error) { return j.ByCard(ctx, "card-7") }, "2 4"},
		{"no card is no card's", func() ([]Job, error) { return j.ByCard(ctx, "") }, ""},
		{"by order", func() ([]Job, error) { return j.ByOrder(ctx, "order-3") }, "3"},
		{"by an order that is none", func() ([]Job, error) { return j.ByOrder(ctx, "order-9") }, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			jobs, err := row.list()
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, job := range jobs {
				ids = append(ids, job.ID)
			}
			if got := strings.Join(ids, " "); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
	held, err := j.Job(ctx, "1")
	if err != nil || held.State != Held || held.Reason != "the authority does not answer" || held.Done != 3 || held.Total != 40 || !held.Updated.After(held.Created) {
		t.Errorf("got %+v, %v", held, err)
	}
}

func TestSealedOrderComesBackAndIsWipedFromTheFiles(t *testing.T) {
	j, path := openNew(t)
	sealed := bytes.Repeat([]byte("SEALED-ORDER-CANARY "), 2000)
	if err := j.Create(t.Context(), sample("1"), sealed); err != nil {
		t.Fatal(err)
	}
	got, err := j.Sealed(t.Context(), "1")
	if err != nil || !bytes.Equal(got, sealed) {
		t.Fatalf("got %d bytes, %v", len(got), err)
	}
	if err := j.DropSealed(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		b, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte("CANARY")) {
			t.Errorf("%s still holds the dropped order", filepath.Base(name))
		}
	}
}

func TestFilesAreTheDaemonsAlone(t *testing.T) {
	j, path := openNew(t)
	createJob(t, j, "1")
	for name, want := range map[string]os.FileMode{path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600, path + ".lock": 0o600} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", filepath.Base(name), info.Mode().Perm(), want)
		}
	}
}

func TestCloseIsIdempotentAndNothingFollowsIt(t *testing.T) {
	j, _ := newClosed(t)
	createJob(t, j, "1")
	if err := errors.Join(j.Close(), j.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(t.Context(), "1", Record{Kind: Intent}); err == nil {
		t.Error("a record was taken after Close")
	}
}

func TestPathsThatLookLikeURLs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "50% & more?x=1#y 市", "journal.db")
	j := openAt(t, path)
	createJob(t, j, "1")
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func BenchmarkAppend(b *testing.B) {
	j, _ := openNew(b)
	body := json.RawMessage(`{"result":"ok","facts":{"length":"336","digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000"}}`)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		id := fmt.Sprint(n / RecordsMax)
		if n%RecordsMax == 0 {
			createJob(b, j, id)
		}
		if _, err := j.Append(b.Context(), id, Record{Kind: Outcome, Step: "update text/attributes", Body: body}); err != nil {
			b.Fatal(err)
		}
		n++
	}
}
