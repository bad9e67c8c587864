package juki

import (
	"errors"
	"testing"
)

func TestEraOf(t *testing.T) {
	tests := []struct {
		name string
		d    Date
		era  Era
		year int
		code string
	}{
		{"first Gregorian day", Date{1873, 1, 1}, Meiji, 6, ""},
		{"day before, lunisolar", Date{1872, 12, 31}, 0, 0, "JUKI-ERA-BEFORE"},
		{"last day that is Meiji only", Date{1912, 7, 29}, Meiji, 45, ""},
		{"shared day, Taisho", Date{1912, 7, 30}, Taisho, 1, ""},
		{"last day that is Taisho only", Date{1926, 12, 24}, Taisho, 15, ""},
		{"shared day, Showa", Date{1926, 12, 25}, Showa, 1, ""},
		{"Showa 2", Date{1927, 1, 1}, Showa, 2, ""},
		{"last day of Showa", Date{1989, 1, 7}, Showa, 64, ""},
		{"first day of Heisei", Date{1989, 1, 8}, Heisei, 1, ""},
		{"last day of Heisei", Date{2019, 4, 30}, Heisei, 31, ""},
		{"first day of Reiwa", Date{2019, 5, 1}, Reiwa, 1, ""},
		{"Reiwa 8", Date{2026, 4, 1}, Reiwa, 8, ""},
		{"test card", Date{1980, 2, 17}, Showa, 55, ""},
		{"29 February in a common year", Date{1981, 2, 29}, Showa, 56, ""},
		{"month and day unknown, one era", Date{1940, 0, 0}, Showa, 15, ""},
		{"day unknown, one era", Date{1989, 2, 0}, Heisei, 1, ""},
		{"month and day unknown, two eras", Date{1989, 0, 0}, 0, 0, "JUKI-ERA-AMBIGUOUS"},
		{"day unknown, two eras", Date{1989, 1, 0}, 0, 0, "JUKI-ERA-AMBIGUOUS"},
		{"unknown", Date{}, 0, 0, "JUKI-DATE-IMPOSSIBLE"},
		{"impossible", Date{1980, 2, 30}, 0, 0, "JUKI-DATE-IMPOSSIBLE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			era, year, err := EraOf(tt.d)
			wantCode(t, err, tt.code)
			if era != tt.era || year != tt.year {
				t.Errorf("EraOf = %v %d, want %v %d", era, year, tt.era, tt.year)
			}
		})
	}
}

// Each day from 1873 to 2100 has one era, and the year of era moves on by one
// on 1 January and starts again with an era.
func TestErasAreContinuous(t *testing.T) {
	lastEra, lastYear := Meiji, 5
	changes := map[string]Era{}
	for d := (Date{1873, 1, 1}); d.Year <= 2100; d = d.AddDays(1) {
		era, year, err := EraOf(d)
		if err != nil {
			t.Fatalf("%v: %v", d, err)
		}
		switch {
		case era != lastEra:
			changes[d.String()] = era
			if year != 1 || era != lastEra+1 {
				t.Fatalf("%v: %v %d after %v", d, era, year, lastEra)
			}
		case d.Month == 1 && d.Day == 1:
			if year != lastYear+1 {
				t.Fatalf("%v: year %d after %d", d, year, lastYear)
			}
		case year != lastYear:
			t.Fatalf("%v: year %d after %d", d, year, lastYear)
		}
		lastEra, lastYear = era, year
	}
	want := map[string]Era{"1912-07-30": Taisho, "1926-12-25": Showa, "1989-01-08": Heisei, "2019-05-01": Reiwa}
	if len(changes) != len(want) {
		t.Fatalf("changes %v", changes)
	}
	for day, era := range want {
		if changes[day] != era {
			t.Errorf("%s: %v, want %v", day, changes[day], era)
		}
	}
}

func TestEraNames(t *testing.T) {
	tests := []struct {
		era              Era
		digit            int
		japanese, string string
	}{
		{EraUnknown, 0, "不明", "unknown"}, {Meiji, 1, "明治", "Meiji"}, {Taisho, 2, "大正", "Taisho"},
		{Showa, 3, "昭和", "Showa"}, {Heisei, 4, "平成", "Heisei"}, {Reiwa, 5, "令和", "Reiwa"}, {Era(6), 6, "不明", "unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.string, func(t *testing.T) {
			if int(tt.era) != tt.digit || tt.era.Japanese() != tt.japanese || tt.era.String() != tt.string {
				t.Errorf("%d %s %s", tt.era, tt.era.Japanese(), tt.era)
			}
		})
	}
}

func TestEraYY(t *testing.T) {
	tests := []struct {
		name string
		d    Date
		want string
		code string
	}{
		{"昭和55", Date{1980, 2, 17}, "55", ""},
		{"平成21", Date{2009, 6, 1}, "21", ""},
		{"令和元", Date{2019, 5, 1}, "01", ""},
		{"令和99", Date{2117, 12, 31}, "99", ""},
		{"令和100", Date{2118, 1, 1}, "", "JUKI-ERA-YEAR"},
		{"before", Date{1870, 1, 1}, "", "JUKI-ERA-BEFORE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.d.EraYY()
			wantCode(t, err, tt.code)
			if got != tt.want {
				t.Errorf("EraYY = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestWarekiText(t *testing.T) {
	tests := []struct {
		d    Date
		want string
	}{
		{Date{1980, 2, 17}, "昭和55年2月17日"},
		{Date{1989, 3, 31}, "平成元年3月31日"},
		{Date{2019, 5, 1}, "令和元年5月1日"},
		{Date{1912, 7, 30}, "大正元年7月30日"},
		{Date{1940, 5, 0}, "昭和15年5月 日不詳"},
		{Date{1940, 0, 0}, "昭和15年 月日不詳"},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			if got, err := WarekiText(tt.d); err != nil || got != tt.want {
				t.Errorf("WarekiText = %q, %v", got, err)
			}
		})
	}
	if got := (Wareki{}).String(); got != "年月日不詳" {
		t.Errorf("zero Wareki = %q", got)
	}
	_, err := WarekiText(Date{1860, 1, 1})
	wantCode(t, err, "JUKI-ERA-BEFORE")
}

func TestParseWareki(t *testing.T) {
	tests := []struct {
		name, s string
		want    Wareki
		date    Date
		code    string
	}{
		{"kanji", "昭和55年2月17日", Wareki{Showa, 55, 2, 17}, Date{1980, 2, 17}, ""},
		{"full-width digits", "昭和５５年２月１７日", Wareki{Showa, 55, 2, 17}, Date{1980, 2, 17}, ""},
		{"zero-padded", "昭和55年02月07日", Wareki{Showa, 55, 2, 7}, Date{1980, 2, 7}, ""},
		{"gannen", "平成元年1月8日", Wareki{Heisei, 1, 1, 8}, Date{1989, 1, 8}, ""},
		{"letter and dots", "S55.2.17", Wareki{Showa, 55, 2, 17}, Date{1980, 2, 17}, ""},
		{"full-width digits and dots", "昭和５５．２．１７", Wareki{Showa, 55, 2, 17}, Date{1980, 2, 17}, ""},
		{"last day of Meiji", "明治45.7.30", Wareki{Meiji, 45, 7, 30}, Date{1912, 7, 30}, ""},
		{"last day of Meiji, kanji", "明治45年7月30日", Wareki{Meiji, 45, 7, 30}, Date{1912, 7, 30}, ""},
		{"first day of Taisho", "大正元年7月30日", Wareki{Taisho, 1, 7, 30}, Date{1912, 7, 30}, ""},
		{"last day of Taisho", "大正15.12.25", Wareki{Taisho, 15, 12, 25}, Date{1926, 12, 25}, ""},
		{"first day of Showa", "昭和元年12月25日", Wareki{Showa, 1, 12, 25}, Date{1926, 12, 25}, ""},
		{"leap day that is not", "昭和56年2月29日", Wareki{Showa, 56, 2, 29}, Date{1981, 2, 29}, ""},
		{"day after Meiji", "明治45年7月31日", Wareki{}, Date{}, "JUKI-WAREKI-RANGE"},
		{"day after Taisho", "大正15年12月26日", Wareki{}, Date{}, "JUKI-WAREKI-RANGE"},
		{"day before Taisho", "大正元年7月29日", Wareki{}, Date{}, "JUKI-WAREKI-RANGE"},
		{"day after Showa", "昭和64年1月8日", Wareki{}, Date{}, "JUKI-WAREKI-RANGE"},
		{"day before Heisei", "平成元年1月7日", Wareki{}, Date{}, "JUKI-WAREKI-RANGE"},
		{"day after Heisei", "平成31年5月1日", Wareki{}, Date{}, "JUKI-WAREKI-RANGE"},
		{"Showa 65", "昭和65年1月1日", Wareki{}, Date{}, "JUKI-WAREKI-RANGE"},
		{"lunisolar Meiji", "明治5年12月2日", Wareki{}, Date{}, "JUKI-WAREKI-RANGE"},
		{"31 April", "昭和55年4月31日", Wareki{}, Date{}, "JUKI-WAREKI-RANGE"},
		{"year 0", "昭和0年4月30日", Wareki{}, Date{}, "JUKI-WAREKI-FORMAT"},
		{"month 元", "昭和55年元月3日", Wareki{}, Date{}, "JUKI-WAREKI-FORMAT"},
		{"no era", "55年4月30日", Wareki{}, Date{}, "JUKI-WAREKI-FORMAT"},
		{"Gregorian", "1980-02-17", Wareki{}, Date{}, "JUKI-WAREKI-FORMAT"},
		{"three digits", "昭和055年4月30日", Wareki{}, Date{}, "JUKI-WAREKI-FORMAT"},
		{"tail", "昭和55年4月30日生", Wareki{}, Date{}, "JUKI-WAREKI-FORMAT"},
		{"unknown day", "昭和55年4月 日不詳", Wareki{}, Date{}, "JUKI-WAREKI-FORMAT"},
		{"empty", "", Wareki{}, Date{}, "JUKI-WAREKI-FORMAT"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseWareki(tt.s)
			wantCode(t, err, tt.code, tt.s)
			if got != tt.want || got.Date() != tt.date {
				t.Errorf("ParseWareki = %+v (%v), want %+v (%v)", got, got.Date(), tt.want, tt.date)
			}
		})
	}
}

func TestWarekiAndDateRoundTrip(t *testing.T) {
	for d := (Date{1873, 1, 1}); d.Year < 2060; d = d.AddDays(1) {
		text, err := WarekiText(d)
		if err != nil {
			t.Fatal(err)
		}
		w, err := ParseWareki(text)
		if err != nil || w.Date() != d {
			t.Fatalf("%v → %s → %v, %v", d, text, w.Date(), err)
		}
	}
}

func TestCertificateBirth(t *testing.T) {
	tests := []struct {
		name string
		d    Date
		want string
		code string
	}{
		{"test card", Date{1980, 2, 17}, "319800217", ""},
		{"Reiwa", Date{2024, 12, 2}, "520241202", ""},
		{"Heisei", Date{1989, 1, 8}, "419890108", ""},
		{"last Showa", Date{1989, 1, 7}, "319890107", ""},
		{"Taisho", Date{1926, 12, 24}, "219261224", ""},
		{"Meiji", Date{1911, 1, 1}, "119110101", ""},
		{"29 February in a common year", Date{1981, 2, 29}, "319810229", ""},
		{"day unknown", Date{1940, 5, 0}, "319400500", ""},
		{"month and day unknown", Date{1940, 0, 0}, "319400000", ""},
		{"all unknown", Date{}, "000000000", ""},
		{"era not to be told", Date{1989, 0, 0}, "", "JUKI-ERA-AMBIGUOUS"},
		{"impossible", Date{1980, 2, 30}, "", "JUKI-DATE-IMPOSSIBLE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := CertificateBirth(tt.d)
			wantCode(t, err, tt.code)
			if got != tt.want {
				t.Errorf("CertificateBirth = %q, want %q", got, tt.want)
			}
			var input *InputError
			if errors.As(err, &input) && input.Field != "birth" {
				t.Errorf("field = %q", input.Field)
			}
		})
	}
}

func TestWarekiCertificate(t *testing.T) {
	tests := []struct {
		name string
		w    Wareki
		want string
		code string
	}{
		{"era alone", Wareki{Era: Heisei}, "400000000", ""},
		{"unknown", Wareki{}, "000000000", ""},
		{"last day of Meiji", Wareki{Meiji, 45, 7, 30}, "119120730", ""},
		{"last day of Taisho", Wareki{Taisho, 15, 12, 25}, "219261225", ""},
		{"1989 in Showa", Wareki{Showa, 64, 0, 0}, "319890000", ""},
		{"1989 in Heisei", Wareki{Heisei, 1, 0, 0}, "419890000", ""},
		{"January 1989 in Showa", Wareki{Showa, 64, 1, 0}, "319890100", ""},
		{"February 1989 in Showa", Wareki{Showa, 64, 2, 0}, "", "JUKI-WAREKI-RANGE"},
		{"Showa 66", Wareki{Showa, 66, 0, 0}, "", "JUKI-WAREKI-RANGE"},
		{"era 6", Wareki{Era(6), 1, 1, 1}, "", "JUKI-WAREKI-RANGE"},
		{"no era", Wareki{0, 1, 1, 1}, "", "JUKI-WAREKI-RANGE"},
		{"era 7 alone", Wareki{Era: 7}, "", "JUKI-WAREKI-RANGE"},
		{"day without year", Wareki{Showa, 0, 1, 1}, "", "JUKI-WAREKI-RANGE"},
		{"day without month", Wareki{Showa, 1, 0, 25}, "", "JUKI-WAREKI-RANGE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.w.Certificate()
			wantCode(t, err, tt.code)
			if got != tt.want {
				t.Errorf("Certificate = %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzParseWareki(f *testing.F) {
	for _, s := range []string{"昭和55年2月17日", "明治45.7.30", "S55.2.17", "平成元年1月8日", "令和９９年１２月３１日", "昭和元.1.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w, err := ParseWareki(s)
		if err != nil {
			return
		}
		again, err := ParseWareki(w.String())
		if err != nil || again != w {
			t.Fatalf("%q read as %v, which reads as %v, %v", s, w, again, err)
		}
		if y := w.Date().Year; y < 1873 || y > 2200 {
			t.Fatalf("%q is in the year %d", s, y)
		}
	})
}
