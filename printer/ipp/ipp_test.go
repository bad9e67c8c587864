package ipp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/OpenPrinting/goipp"

	"jukicard/printer"
)

// office is a printer of few words, for what the real ones do not do: it has no
// Create-Job, ends jobs badly, and answers nonsense.
type office struct {
	t       *testing.T
	two     bool
	refuse  goipp.Op          // answered with not-possible
	jobs    []goipp.Attribute // per job: name; ids count from 1
	end     JobState
	sheets  int
	seen    []goipp.Op
	paper   [][]byte
	raw     http.HandlerFunc // instead of everything
	accepts bool
}

func newOffice(t *testing.T) (*office, *Printer) {
	t.Helper()
	o := &office{t: t, end: JobCompleted, accepts: true}
	s := httptest.NewServer(o)
	t.Cleanup(s.Close)
	return o, &Printer{URI: "ipp" + strings.TrimPrefix(s.URL, "http") + "/ipp/print"}
}

func (o *office) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if o.raw != nil {
		o.raw(w, r)
		return
	}
	var m goipp.Message
	if err := m.Decode(r.Body); err != nil {
		o.t.Error(err)
		return
	}
	rest, err := io.ReadAll(r.Body)
	if err != nil {
		o.t.Error(err)
		return
	}
	op := goipp.Op(m.Code)
	o.seen = append(o.seen, op)
	answer := goipp.NewResponse(goipp.DefaultVersion, goipp.StatusOk, m.RequestID)
	add(&answer.Operation, "attributes-charset", goipp.TagCharset, "utf-8")
	add(&answer.Operation, "attributes-natural-language", goipp.TagLanguage, "en")
	if op == o.refuse {
		answer.Code = goipp.Code(goipp.StatusErrorNotPossible)
		add(&answer.Operation, "status-message", goipp.TagText, strings.Repeat("no ", 100))
	} else {
		o.answer(op, &m, rest, answer)
	}
	w.Header().Set("Content-Type", goipp.ContentType)
	if err := answer.Encode(w); err != nil {
		o.t.Error(err)
	}
}

func (o *office) answer(op goipp.Op, m *goipp.Message, document []byte, answer *goipp.Message) {
	switch op {
	case goipp.OpGetPrinterAttributes:
		answer.Printer.Add(goipp.MakeAttribute("printer-state", goipp.TagEnum, goipp.Integer(Idle)))
		answer.Printer.Add(goipp.MakeAttribute("printer-is-accepting-jobs", goipp.TagBoolean, goipp.Boolean(o.accepts)))
		add(&answer.Printer, "document-format-supported", goipp.TagMimeType, PDF)
		a := goipp.MakeAttribute("operations-supported", goipp.TagEnum, goipp.Integer(goipp.OpPrintJob))
		if o.two {
			a.Values.Add(goipp.TagEnum, goipp.Integer(goipp.OpCreateJob))
			a.Values.Add(goipp.TagEnum, goipp.Integer(goipp.OpSendDocument))
		}
		answer.Printer.Add(a)
	case goipp.OpPrintJob, goipp.OpCreateJob:
		o.jobs = append(o.jobs, goipp.MakeAttribute("job-name", goipp.TagName, goipp.String(first(m.Operation, "job-name"))))
		answer.Job = o.job(len(o.jobs))
		if len(document) > 0 {
			o.paper = append(o.paper, document)
		}
	case goipp.OpSendDocument:
		o.paper = append(o.paper, document)
	case goipp.OpGetJobAttributes:
		answer.Job = o.job(number(m.Operation, "job-id", 0))
	case goipp.OpGetJobs:
		answer.Groups = goipp.Groups{{Tag: goipp.TagOperationGroup, Attrs: answer.Operation}}
		for i := range o.jobs {
			if first(m.Operation, "which-jobs") == "completed" {
				answer.Groups.Add(goipp.Group{Tag: goipp.TagJobGroup, Attrs: o.job(i + 1)})
			}
		}
	}
}

func (o *office) job(id int) goipp.Attributes {
	var a goipp.Attributes
	a.Add(goipp.MakeAttribute("job-id", goipp.TagInteger, goipp.Integer(id)))
	a.Add(o.jobs[id-1])
	a.Add(goipp.MakeAttribute("job-state", goipp.TagEnum, goipp.Integer(o.end)))
	add(&a, "job-state-reasons", goipp.TagKeyword, "aborted-by-system")
	a.Add(goipp.MakeAttribute("job-impressions-completed", goipp.TagInteger, goipp.Integer(o.sheets)))
	return a
}

var memo = Job{Name: "memo", Format: PDF, Document: []byte("%PDF")}

func TestOneStep(t *testing.T) {
	o, p := newOffice(t)
	for range 2 {
		if err := p.Print(t.Context(), memo); err != nil {
			t.Fatal(err)
		}
	}
	if len(o.paper) != 1 || !bytes.Equal(o.paper[0], memo.Document) {
		t.Errorf("on paper: %q", o.paper)
	}
	for _, op := range o.seen {
		if op == goipp.OpCreateJob {
			t.Error("a job was created at a printer that cannot")
		}
	}
}

func TestBadEnds(t *testing.T) {
	rows := []struct {
		name  string
		do    func(o *office)
		paper printer.Surface
		says  string
	}{
		{"aborted before anything", func(o *office) { o.end = JobAborted }, printer.SurfaceUnknown, "aborted (aborted-by-system)"},
		{"aborted after a sheet", func(o *office) { o.end, o.sheets = JobAborted, 1 }, printer.SurfaceSpoilt, "aborted"},
		{"printing refused", func(o *office) { o.refuse = goipp.OpPrintJob }, printer.SurfaceBlank, "Print-Job"},
		{"validation refused", func(o *office) { o.refuse = goipp.OpValidateJob }, printer.SurfaceBlank, "Validate-Job"},
		{"the document refused", func(o *office) { o.two, o.refuse = true, goipp.OpSendDocument }, printer.SurfaceBlank, "Send-Document"},
		{"creating refused", func(o *office) { o.two, o.refuse = true, goipp.OpCreateJob }, printer.SurfaceBlank, "Create-Job"},
		{"asking after it refused", func(o *office) { o.refuse = goipp.OpGetJobAttributes }, printer.SurfaceUnknown, "Get-Job-Attribute"},
		{"the list refused", func(o *office) { o.refuse = goipp.OpGetJobs }, printer.SurfaceUnknown, "Get-Jobs"},
		{"no jobs taken", func(o *office) { o.accepts = false }, printer.SurfaceBlank, "takes no jobs"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			o, p := newOffice(t)
			row.do(o)
			err := p.Print(t.Context(), memo)
			var e *JobError
			if !errors.As(err, &e) || e.Paper != row.paper || !strings.Contains(err.Error(), row.says) {
				t.Errorf("got %v, want paper that is %v and %q", err, row.paper, row.says)
			}
			if len(err.Error()) > 400 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		})
	}
}

func TestEndsInTime(t *testing.T) {
	o, p := newOffice(t)
	o.end = JobProcessing
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := p.Print(ctx, memo)
	var e *JobError
	if !errors.As(err, &e) || e.Paper != printer.SurfaceUnknown || e.ID != 1 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestNonsense: an answer that is none leaves everything unknown.
func TestNonsense(t *testing.T) {
	good := goipp.NewResponse(goipp.DefaultVersion, goipp.StatusOk, 99)
	var other bytes.Buffer
	if err := good.Encode(&other); err != nil {
		t.Fatal(err)
	}
	rows := []struct {
		name string
		raw  http.HandlerFunc
		says string
	}{
		{"no IPP", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }, "no IPP"},
		{"nothing", func(http.ResponseWriter, *http.Request) {}, "no IPP"},
		{"forbidden", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, "403 Forbidden"},
		{"another's answer", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(other.Bytes()) }, "request 99"},
		{"a redirection", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://203.0.113.1/", http.StatusFound)
		}, "302 Found"},
		{"the line cut", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			o, p := newOffice(t)
			o.raw = row.raw
			_, err := p.Status(t.Context())
			if !errors.As(err, new(*LinkError)) || !strings.Contains(err.Error(), row.says) {
				t.Errorf("got %v, want %q", err, row.says)
			}
		})
	}
}

func TestEndpoint(t *testing.T) {
	rows := []struct{ uri, want, says string }{
		{"ipp://192.0.2.9/ipp/print", "http://192.0.2.9:631/ipp/print", ""},
		{"ipps://print.example/printers/letters", "https://print.example:631/printers/letters", ""},
		{"ipp://[2001:db8::9]:8631/", "http://[2001:db8::9]:8631/", ""},
		{"http://192.0.2.9/", "", "begins with http: give ipp or ipps"},
		{"", "", `is "": give one like ipp://`},
		{"ipp:///ipp/print", "", "give one like"},
		{"ipp://a b/", "", "give one like"},
	}
	for _, row := range rows {
		t.Run(row.uri, func(t *testing.T) {
			got, err := (&Printer{URI: row.uri}).endpoint()
			if got != row.want || (err == nil) != (row.says == "") || err != nil && !strings.Contains(err.Error(), row.says) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	p := &Printer{URI: "lpd://192.0.2.9/"}
	if _, err := p.Status(t.Context()); !errors.As(err, new(*LinkError)) {
		t.Errorf("got %v", err)
	}
}

// TestFind: of several jobs of a name the last counts, and those that never had a
// document do not.
func TestFind(t *testing.T) {
	row := func(id, state, documents int, reasons ...string) Found {
		return Found{ID: id, State: JobState(state), Documents: documents, Reasons: reasons}
	}
	for _, c := range []struct {
		name        string
		f           Found
		void, empty bool
	}{
		{"canceled before its document", row(1, 7, 0), true, false},
		{"canceled with it", row(1, 7, 1), false, false},
		{"canceled and nobody counts", row(1, 7, -1), false, false},
		{"waits for its document", row(1, 4, 0), false, true},
		{"waits, nobody counts, but it says so", row(1, 3, -1, "job-incoming"), false, true},
		{"waits with it", row(1, 3, 1, "job-incoming"), false, false},
		{"completed without", row(1, 9, 0), false, false},
	} {
		if c.f.void() != c.void || c.f.empty() != c.empty {
			t.Errorf("%s: void %v, empty %v", c.name, c.f.void(), c.f.empty())
		}
	}
	o, p := newOffice(t)
	for _, name := range []string{"memo", "other", "memo", "other"} {
		o.jobs = append(o.jobs, goipp.MakeAttribute("job-name", goipp.TagName, goipp.String(name)))
	}
	if f, there, err := p.Find(t.Context(), "memo"); err != nil || !there || f.ID != 3 {
		t.Errorf("%+v, %v, %v", f, there, err)
	}
	if _, there, err := p.Find(t.Context(), "mem"); err != nil || there {
		t.Errorf("%v, %v", there, err)
	}
}

func TestAttributes(t *testing.T) {
	var a goipp.Attributes
	mixed := goipp.MakeAttribute("mixed", goipp.TagTextLang, goipp.TextWithLang{Lang: "ja", Text: "紙"})
	mixed.Values.Add(goipp.TagString, goipp.Binary("b"))
	mixed.Values.Add(goipp.TagInteger, goipp.Integer(5))
	mixed.Values.Add(goipp.TagText, goipp.String("s"))
	a.Add(mixed)
	if got := fmt.Sprint(texts(a, "mixed"), numbers(a, "mixed"), first(a, "mixed"), number(a, "none", 7), yes(a, "mixed"), values(a, "none")); got != "[紙 b s] [5]紙7 false []" {
		t.Errorf("got %s", got)
	}
}

// FuzzAnswer: no answer, however wrong, is more than an error.
func FuzzAnswer(f *testing.F) {
	o := &office{t: &testing.T{}, two: true, accepts: true}
	for _, op := range []goipp.Op{goipp.OpGetPrinterAttributes, goipp.OpPrintJob, goipp.OpGetJobs} {
		m := goipp.NewRequest(goipp.DefaultVersion, op, 1)
		answer := goipp.NewResponse(goipp.DefaultVersion, goipp.StatusOk, 1)
		o.answer(op, m, nil, answer)
		var b bytes.Buffer
		if err := answer.Encode(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		m, err := decode(bytes.NewReader(p), 1)
		if err != nil {
			return
		}
		s := statusOf(m.Printer)
		if len(s.Faults) > len(s.Reasons)+1 {
			t.Errorf("%d faults of %d reasons", len(s.Faults), len(s.Reasons))
		}
		foundOf(m.Job)
	})
}
