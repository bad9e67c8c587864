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
	}{{"1", Running, false}, {"2", Spoiled, false}, {"3", Held, false}, {"4", Spoiled, true}, {"5", Done, true}, {"6", Done, false}, {"7", Spoiled, false}} {
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
