package journal

import (
	"slices"
	"testing"
)

// TestSpoiledAndOwing: spoiled jobs are listed whether or not their order was dropped,
// and owe something until it was.
func TestSpoiledAndOwing(t *testing.T) {
	j, _ := openNew(t)
	for _, row := range []struct {
		id, state string
		dropped   bool
	}{{"1", Running, false}, {"2", Spoiled, false}, {"3", Held, false}, {"4", Spoiled, true}, {"5", Done, true}, {"6", Done, false}, {"7", Spoiled, false}, {"8", Abandoned, false}} {
		createJob(t, j, row.id)
		if err := j.SetState(t.Context(), row.id, row.state, "", 0, 0); err != nil {
			t.Fatal(err)
		}
		if row.dropped {
			if err := j.DropSealed(t.Context(), row.id); err != nil {
				t.Fatal(err)
			}
		}
	}
	spoiled, err := j.Spoiled(t.Context())
	if got := idsOf(spoiled); err != nil || !slices.Equal(got, []string{"2", "4", "7"}) {
		t.Errorf("spoiled are %v, %v", got, err)
	}
	owing, err := j.Owing(t.Context())
	if got := idsOf(owing); err != nil || !slices.Equal(got, []string{"2", "7"}) {
		t.Errorf("owing are %v, %v", got, err)
	}
}

func idsOf(jobs []Job) (ids []string) {
	for _, j := range jobs {
		ids = append(ids, j.ID)
	}
	return ids
}

// TestAnAbandonedJobIsOverAndItsOrderFree, also when the journal is opened again.
func TestAnAbandonedJobIsOverAndItsOrderFree(t *testing.T) {
	j, path := openNew(t)
	createJob(t, j, "1")
	if err := j.SetState(t.Context(), "1", Abandoned, "STATION-JOB-ABANDONED: ", 3, 7); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	got, err := j.Job(t.Context(), "1")
	if err != nil || got.State != Abandoned || got.Done != 3 || got.Total != 7 {
		t.Errorf("the job is %+v, %v", got, err)
	}
	if live, err := j.Unfinished(t.Context()); err != nil || len(live) != 0 {
		t.Errorf("unfinished are %v, %v", live, err)
	}
	again := got
	again.ID, again.State = "2", ""
	if err := j.Create(t.Context(), again, nil); err != nil {
		t.Errorf("the order has no second job: %v", err)
	}
}

// TestJobsComeInPages: each once, in the order they were created, whatever the pages are.
func TestJobsComeInPages(t *testing.T) {
	j, _ := openNew(t)
	want := []string{"1", "2", "3", "4", "5"}
	for _, id := range want {
		createJob(t, j, id)
	}
	for _, size := range []int{1, 2, 5, 9} {
		var got []string
		for at := int64(0); ; {
			page, last, err := j.JobsAfter(t.Context(), at, size)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			got, at = append(got, idsOf(page)...), last
		}
		if !slices.Equal(got, want) {
			t.Errorf("in pages of %d: %v", size, got)
		}
	}
}
