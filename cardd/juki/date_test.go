package juki

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseDate(t *testing.T) {
	tests := []struct {
		name, s string
		want    Date
		code    string
	}{
		{"plain", "2026-04-01", Date{2026, 4, 1}, ""},
		{"leap day", "2024-02-29", Date{2024, 2, 29}, ""},
		{"leap day of 2000", "2000-02-29", Date{2000, 2, 29}, ""},
		{"end of year", "1999-12-31", Date{1999, 12, 31}, ""},
		{"29 February in a common year", "2023-02-29", Date{}, "JUKI-DATE-IMPOSSIBLE"},
		{"29 February 1900", "1900-02-29", Date{}, "JUKI-DATE-IMPOSSIBLE"},
		{"30 February", "2024-02-30", Date{}, "JUKI-DATE-IMPOSSIBLE"},
		{"31 June", "2026-06-31", Date{}, "JUKI-DATE-IMPOSSIBLE"},
		{"month 13", "2026-13-01", Date{}, "JUKI-DATE-IMPOSSIBLE"},
		{"month 0", "2026-00-01", Date{}, "JUKI-DATE-IMPOSSIBLE"},
		{"day 0", "2026-01-00", Date{}, "JUKI-DATE-IMPOSSIBLE"},
		{"day 32", "2026-01-32", Date{}, "JUKI-DATE-IMPOSSIBLE"},
		{"year 0", "0000-01-01", Date{}, "JUKI-DATE-IMPOSSIBLE"},
		{"nothing", "0000-00-00", Date{}, "JUKI-DATE-IMPOSSIBLE"},
		{"empty", "", Date{}, "JUKI-DATE-FORMAT"},
		{"slashes", "2026/04/01", Date{}, "JUKI-DATE-FORMAT"},
		{"compact", "20260401", Date{}, "JUKI-DATE-FORMAT"},
		{"one-digit month", "2026-4-001", Date{}, "JUKI-DATE-FORMAT"},
		{"with time", "2026-04-01T00:00:00Z", Date{}, "JUKI-DATE-FORMAT"},
		{"sign", "+026-04-01", Date{}, "JUKI-DATE-FORMAT"},
		{"full-width", "２０２６-04-01", Date{}, "JUKI-DATE-FORMAT"},
		{"wareki", "令和8年4月1日", Date{}, "JUKI-DATE-FORMAT"},
		{"leading space", " 026-04-01", Date{}, "JUKI-DATE-FORMAT"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseDate(tt.s)
			wantCode(t, err, tt.code, tt.s)
			if got != tt.want {
				t.Errorf("ParseDate = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestParseBirth(t *testing.T) {
	tests := []struct {
		name, s string
		want    Date
		code    string
	}{
		{"plain", "1980-02-17", Date{1980, 2, 17}, ""},
		{"29 February in a common year", "1981-02-29", Date{1981, 2, 29}, ""},
		{"last day of Meiji", "1912-07-30", Date{1912, 7, 30}, ""},
		{"day unknown", "1940-05-00", Date{1940, 5, 0}, ""},
		{"month and day unknown", "1940-00-00", Date{1940, 0, 0}, ""},
		{"all unknown", "0000-00-00", Date{}, ""},
		{"30 February", "1980-02-30", Date{}, "JUKI-BIRTH-IMPOSSIBLE"},
		{"31 April", "1980-04-31", Date{}, "JUKI-BIRTH-IMPOSSIBLE"},
		{"month alone unknown", "1980-00-17", Date{}, "JUKI-BIRTH-IMPOSSIBLE"},
		{"year alone unknown", "0000-02-17", Date{}, "JUKI-BIRTH-IMPOSSIBLE"},
		{"year and day unknown", "0000-02-00", Date{}, "JUKI-BIRTH-IMPOSSIBLE"},
		{"month 13, day unknown", "1980-13-00", Date{}, "JUKI-BIRTH-IMPOSSIBLE"},
		{"form", "1980.02.17", Date{}, "JUKI-DATE-FORMAT"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseBirth(tt.s)
			wantCode(t, err, tt.code, tt.s)
			if got != tt.want {
				t.Errorf("ParseBirth = %v, want %v", got, tt.want)
			}
			if err != nil && err.(*InputError).Field != "birth" {
				t.Errorf("field = %q, want birth", err.(*InputError).Field)
			}
		})
	}
}

func TestDateArithmetic(t *testing.T) {
	tests := []struct {
		name string
		got  Date
		want string
	}{
		{"a year on", Date{2026, 4, 1}.AddYears(1), "2027-04-01"},
		{"leap day plus a year", Date{2024, 2, 29}.AddYears(1), "2025-02-28"},
		{"leap day plus four years", Date{2024, 2, 29}.AddYears(4), "2028-02-29"},
		{"leap day minus a year", Date{2024, 2, 29}.AddYears(-1), "2023-02-28"},
		{"January 31 plus a month", Date{2026, 1, 31}.AddMonths(1), "2026-02-28"},
		{"January 31 plus a month, leap", Date{2028, 1, 31}.AddMonths(1), "2028-02-29"},
		{"across the year", Date{2026, 11, 30}.AddMonths(3), "2027-02-28"},
		{"three months back", Date{2026, 2, 15}.AddMonths(-3), "2025-11-15"},
		{"to December", Date{2026, 1, 15}.AddMonths(-1), "2025-12-15"},
		{"no months", Date{2026, 1, 15}.AddMonths(0), "2026-01-15"},
		{"a day over the year", Date{2026, 12, 31}.AddDays(1), "2027-01-01"},
		{"a day back over February", Date{2024, 3, 1}.AddDays(-1), "2024-02-29"},
		{"sixty days", Date{2026, 1, 1}.AddDays(60), "2026-03-02"},
		{"no days from a day that is not", Date{1981, 2, 29}.AddDays(0), "1981-02-28"},
		{"a day from a day that is not", Date{1981, 2, 29}.AddDays(1), "1981-03-01"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.got.String() != tt.want {
				t.Errorf("got %s, want %s", tt.got, tt.want)
			}
		})
	}
}

func TestDateAgreesWithTime(t *testing.T) {
	day := rapid.Custom(func(t *rapid.T) time.Time {
		return time.Date(1873, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 120_000).Draw(t, "day"))
	})
	of := func(t time.Time) Date { return Date{t.Year(), int(t.Month()), t.Day()} }
	rapid.Check(t, func(t *rapid.T) {
		a, b := day.Draw(t, "a"), day.Draw(t, "b")
		da, db := of(a), of(b)
		if !da.Valid() || da.String() != a.Format(time.DateOnly) || da.Compact() != a.Format("20060102") {
			t.Fatalf("%v: %s %s", a, da, da.Compact())
		}
		if parsed, err := ParseDate(a.Format(time.DateOnly)); err != nil || !parsed.Equal(da) {
			t.Fatalf("%v parsed as %v, %v", a, parsed, err)
		}
		if da.Before(db) != a.Before(b) || da.After(db) != a.After(b) || da.Equal(db) != a.Equal(b) {
			t.Fatalf("%v and %v compare otherwise than their times", da, db)
		}
		n := rapid.IntRange(-20_000, 20_000).Draw(t, "n")
		if got, want := da.AddDays(n), of(a.AddDate(0, 0, n)); got != want {
			t.Fatalf("%v plus %d days = %v, want %v", da, n, got, want)
		}
	})
}

// time has no clamp at the end of the month, so the month is checked by its
// neighbours: the day after the result, or the same day of the month.
func TestAddMonthsClamps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Date{rapid.IntRange(1873, 2200).Draw(t, "year"), rapid.IntRange(1, 12).Draw(t, "month"), rapid.IntRange(1, 28).Draw(t, "day")}
		d = d.AddDays(rapid.IntRange(0, 3).Draw(t, "more"))
		n := rapid.IntRange(-500, 500).Draw(t, "n")
		got := d.AddMonths(n)
		first := time.Date(d.Year, time.Month(d.Month+n), 1, 0, 0, 0, 0, time.UTC)
		length := first.AddDate(0, 1, -1).Day()
		want := Date{first.Year(), int(first.Month()), min(d.Day, length)}
		if got != want || !got.Valid() {
			t.Fatalf("%v plus %d months = %v, want %v", d, n, got, want)
		}
	})
}

func TestDateOfAndEndJST(t *testing.T) {
	end := Date{2024, 5, 2}.EndJST()
	if got := end.UTC().Format(time.RFC3339); got != "2024-05-02T14:59:59Z" {
		t.Errorf("end of 2024-05-02 = %s, want 2024-05-02T14:59:59Z", got)
	}
	if got := DateOf(end); got != (Date{2024, 5, 2}) {
		t.Errorf("DateOf(end) = %v", got)
	}
	if got := DateOf(end.Add(time.Second)); got != (Date{2024, 5, 3}) {
		t.Errorf("DateOf(a second later) = %v", got)
	}
	nightBatch := time.Date(2019, 7, 25, 15, 28, 6, 0, time.UTC) // notBefore of a real certificate
	if got := DateOf(nightBatch); got != (Date{2019, 7, 26}) {
		t.Errorf("DateOf(night batch) = %v, want 2019-07-26", got)
	}
}

func TestDateValidAndZero(t *testing.T) {
	tests := []struct {
		name        string
		d           Date
		valid, zero bool
	}{
		{"zero", Date{}, false, true},
		{"plain", Date{2026, 4, 30}, true, false},
		{"month only", Date{0, 4, 0}, false, false},
		{"year 10000", Date{10000, 1, 1}, false, false},
		{"negative", Date{2026, -1, 1}, false, false},
		{"29 February, common", Date{2026, 2, 29}, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.d.Valid() != tt.valid || tt.d.IsZero() != tt.zero {
				t.Errorf("Valid %t, IsZero %t", tt.d.Valid(), tt.d.IsZero())
			}
		})
	}
}

func TestDateInJSON(t *testing.T) {
	type order struct {
		Applied Date  `json:"applied"`
		Stay    *Date `json:"stay,omitempty"`
		Renewal Date  `json:"renewal,omitzero"`
	}
	b, err := json.Marshal(order{Applied: Date{2026, 4, 1}})
	if err != nil || string(b) != `{"applied":"2026-04-01"}` {
		t.Fatalf("marshalled %s, %v", b, err)
	}
	var back order
	if err := json.Unmarshal([]byte(`{"applied":"2026-04-01","stay":"2027-01-31"}`), &back); err != nil {
		t.Fatal(err)
	}
	if back.Applied != (Date{2026, 4, 1}) || *back.Stay != (Date{2027, 1, 31}) || !back.Renewal.IsZero() {
		t.Errorf("read %+v", back)
	}
	wantCode(t, json.Unmarshal([]byte(`{"applied":"2026-02-30"}`), &back), "JUKI-DATE-IMPOSSIBLE")
}

func FuzzParseDate(f *testing.F) {
	for _, s := range []string{"2026-04-01", "2023-02-29", "0000-00-00", "1912-07-30", "２０２６-04-01", "--------0-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDate(s)
		want, timeErr := time.Parse(time.DateOnly, s)
		if year0 := timeErr == nil && want.Year() == 0; (err == nil) != (timeErr == nil && !year0) {
			t.Fatalf("ParseDate(%q) = %v, time.Parse = %v", s, err, timeErr)
		}
		if err == nil && (d.String() != s || !d.Valid()) {
			t.Fatalf("ParseDate(%q) = %v", s, d)
		}
		birth, birthErr := ParseBirth(s)
		if birthErr == nil && birth.String() != s || err == nil && birthErr != nil {
			t.Fatalf("ParseBirth(%q) = %v, %v", s, birth, birthErr)
		}
		_, _, _ = EraOf(birth)
	})
}
