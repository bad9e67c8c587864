package ipp

import (
	"slices"
	"strings"
	"testing"

	"jukicard/printer"
)

func TestFaults(t *testing.T) {
	rows := []struct {
		name    string
		state   State
		reasons []string
		codes   []string
		kind    printer.FaultKind // of the first
	}{
		{"nothing", Idle, nil, nil, 0},
		{"a report", Processing, []string{"toner-low-report", "media-jam-report"}, nil, 0},
		{"a warning while it prints", Processing, []string{"media-empty-warning"}, nil, 0},
		{"a warning and it stands", Stopped, []string{"media-empty-warning"}, []string{"media-empty-warning"}, printer.Operator},
		{"an error", Stopped, []string{"media-jam-error"}, []string{"media-jam-error"}, printer.Jam},
		{"without a suffix", Processing, []string{"cover-open"}, []string{"cover-open"}, printer.Operator},
		{"the worst first", Stopped, []string{"media-empty", "paused", "media-jam-error", "fuser-over-temp-error"}, []string{"media-jam-error", "fuser-over-temp-error", "media-empty", "paused"}, printer.Jam},
		{"an error that is in no standard", Idle, []string{"com.example.sulking-error"}, []string{"com.example.sulking-error"}, printer.Operator},
		{"a word that is in no standard", Idle, []string{"cups-waiting-for-job-completed"}, nil, 0},
		{"that word and it stands", Stopped, []string{"com.example.sulking"}, []string{"com.example.sulking"}, printer.Operator},
		{"it stands and says nothing", Stopped, nil, []string{"stopped"}, printer.Operator},
		{"looking for its device", Processing, []string{"connecting-to-device"}, []string{"connecting-to-device"}, printer.Wait},
		{"drum", Stopped, []string{"opc-life-over-error"}, []string{"opc-life-over-error"}, printer.Broken},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got := faults(Status{State: row.state, Reasons: row.reasons}, row.state == Stopped)
			var codes []string
			for _, f := range got {
				codes = append(codes, f.Code)
				if !strings.Contains(f.Text, ": ") {
					t.Errorf("%q says not what to do", f.Text)
				}
			}
			if !slices.Equal(codes, row.codes) || len(got) > 0 && got[0].Kind != row.kind {
				t.Errorf("got %+v, want %v, %v first", got, row.codes, row.kind)
			}
		})
	}
}

func TestSupply(t *testing.T) {
	rows := []struct {
		name, in string
		want     Supply
	}{
		{"as ippeveprinter has it", "index=2;class=supplyThatIsConsumed;type=toner;unit=percent;maxcapacity=100;level=75;colorantname=black;", Supply{"black toner", "toner", 75}},
		{"waste", "type=wasteToner;maxcapacity=400;level=100", Supply{"wasteToner", "wasteToner", 25}},
		{"spaced, in capitals", " Type = ink ; MaxCapacity = 10 ; Level = 10 ", Supply{"ink", "ink", 100}},
		{"the printer does not know", "type=ink;maxcapacity=100;level=-2", Supply{"ink", "ink", -1}},
		{"capacity unknown", "type=ink;maxcapacity=-2;level=5", Supply{"ink", "ink", -1}},
		{"more than there can be", "type=ink;maxcapacity=10;level=11", Supply{"ink", "ink", -1}},
		{"no capacity", "type=ink;level=11", Supply{"ink", "ink", -1}},
		{"no number", "type=ink;maxcapacity=10;level=much", Supply{"ink", "ink", -1}},
		{"large numbers", "type=ink;maxcapacity=9000000000000000000;level=9", Supply{"ink", "ink", 0}},
		{"nothing", "", Supply{"", "", -1}},
		{"noise", ";;=;a=;=b", Supply{"", "", -1}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if got := supply(row.in); got != row.want {
				t.Errorf("got %+v, want %+v", got, row.want)
			}
		})
	}
}

func FuzzSupply(f *testing.F) {
	f.Add("index=2;class=supplyThatIsConsumed;type=toner;unit=percent;maxcapacity=100;level=75;colorantname=black;")
	f.Add("maxcapacity=9223372036854775807;level=9223372036854775807")
	f.Fuzz(func(t *testing.T, text string) {
		if s := supply(text); s.Percent < -1 || s.Percent > 100 {
			t.Errorf("%+v", s)
		}
	})
}

func TestNamesOfStates(t *testing.T) {
	for got, want := range map[string]string{
		Idle.String(): "idle", Processing.String(): "processing", Stopped.String(): "stopped", State(9).String(): "state 9",
		JobPending.String(): "pending", JobStopped.String(): "processing-stopped", JobCompleted.String(): "completed", JobState(2).String(): "state 2",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
