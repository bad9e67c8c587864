package kill

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"jukicard/cardd/internal/journal"
)

// remains is what a killed daemon's journal says, read from a copy: whoever opens the
// file itself mends it, which is the next daemon's business.
type remains struct {
	jobs   int
	proven map[string]bool // steps whose good outcome is durable
}

// byHolder are the proofs that need a PIN only the holder knows.
var byHolder = []string{
	"prove-pin jpki/sign-pin", "prove-pin jpki/auth-pin", "prove-pin resident/pin", "prove-pin common/pin", "prove-pin text/pin",
}

// needPINs says whether the job cannot be finished without the holder.
func (r *remains) needPINs() bool {
	for _, step := range byHolder {
		if !r.proven[step] {
			return r.jobs > 0
		}
	}
	return false
}

func (o *office) remains() *remains {
	o.t.Helper()
	dir, err := os.MkdirTemp(o.dir, "journal-")
	if err != nil {
		o.t.Fatal(err)
	}
	files, err := filepath.Glob(o.journal() + "*")
	if err != nil {
		o.t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err == nil && !strings.HasSuffix(f, "-shm") { // which SQLite makes anew
			err = os.WriteFile(filepath.Join(dir, filepath.Base(f)), b, 0o600)
		}
		if err != nil {
			o.t.Fatal(err)
		}
	}
	return o.readRemains(filepath.Join(dir, filepath.Base(o.journal())))
}

func (o *office) readRemains(path string) *remains {
	o.t.Helper()
	j, err := journal.Open(o.t.Context(), path)
	if err != nil {
		o.t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	jobs, err := j.ByOrder(o.t.Context(), wanted.id)
	if err != nil {
		o.t.Fatal(err)
	}
	r := &remains{jobs: len(jobs), proven: map[string]bool{}}
	for _, job := range jobs {
		records, err := j.Records(o.t.Context(), job.ID)
		if err != nil {
			o.t.Fatal(err)
		}
		for _, rec := range records {
			var body struct{ Result string }
			if err := json.Unmarshal(rec.Body, &body); err != nil {
				o.t.Fatal(err)
			}
			if rec.Kind == journal.Outcome && body.Result == "ok" {
				r.proven[rec.Step] = true
			}
		}
	}
	return r
}
