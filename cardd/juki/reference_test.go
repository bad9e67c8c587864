package juki

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestReferenceA(t *testing.T) {
	if got, err := ReferenceA("123456789018"); err != nil || got != "123456789018" {
		t.Errorf("ReferenceA = %q, %v", got, err)
	}
	_, err := ReferenceA("123456789012")
	wantCode(t, err, "JUKI-MYNUMBER-CHECKDIGIT", "123456789012")
}

func TestReferenceB(t *testing.T) {
	tests := []struct {
		name     string
		birth    Date
		foreign  bool
		expiry   int
		security string
		want     string
		code     string
	}{
		{"published example", Date{1980, 2, 17}, false, 2035, "2285", "55021720352285", ""},
		{"平成21", Date{2009, 6, 1}, false, 2029, "0001", "21060120290001", ""},
		{"令和元", Date{2019, 5, 1}, false, 2030, "9999", "01050120309999", ""},
		{"平成31", Date{2019, 4, 30}, false, 2030, "9999", "31043020309999", ""},
		{"foreign resident", Date{1980, 2, 17}, true, 2035, "2285", "80021720352285", ""},
		{"foreign resident of 2005", Date{2005, 11, 3}, true, 2030, "1234", "05110320301234", ""},
		{"shared day counts in the later era", Date{1926, 12, 25}, false, 2030, "1234", "01122520301234", ""},
		{"29 February in a common year", Date{1981, 2, 29}, false, 2030, "1234", "56022920301234", ""},
		{"birthday unknown", Date{1980, 2, 0}, false, 2035, "2285", "", "JUKI-BIRTH-UNKNOWN"},
		{"birth unknown", Date{}, true, 2035, "2285", "", "JUKI-BIRTH-UNKNOWN"},
		{"impossible birth", Date{1980, 2, 30}, true, 2035, "2285", "", "JUKI-BIRTH-IMPOSSIBLE"},
		{"two-digit expiry year", Date{1980, 2, 17}, false, 35, "2285", "", "JUKI-EXPIRYYEAR-FORMAT"},
		{"expiry before the first card", Date{1980, 2, 17}, false, 2015, "2285", "", "JUKI-EXPIRYYEAR-FORMAT"},
		{"five-digit expiry year", Date{1980, 2, 17}, false, 20350, "2285", "", "JUKI-EXPIRYYEAR-FORMAT"},
		{"short security code", Date{1980, 2, 17}, false, 2035, "285", "", "JUKI-SECURITYCODE-FORMAT"},
		{"security code with a letter", Date{1980, 2, 17}, false, 2035, "228S", "", "JUKI-SECURITYCODE-FORMAT"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ReferenceB(tt.birth, tt.foreign, tt.expiry, tt.security)
			wantCode(t, err, tt.code, tt.security)
			if got != tt.want {
				t.Errorf("ReferenceB = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestWarekiReferenceB(t *testing.T) {
	tests := []struct {
		name string
		w    Wareki
		want string
		code string
	}{
		{"last day of Meiji", Wareki{Meiji, 45, 7, 30}, "45073020301234", ""},
		{"last day of Taisho", Wareki{Taisho, 15, 12, 25}, "15122520301234", ""},
		{"day unknown", Wareki{Showa, 15, 5, 0}, "", "JUKI-BIRTH-UNKNOWN"},
		{"not in the era", Wareki{Showa, 64, 1, 8}, "", "JUKI-WAREKI-RANGE"},
		{"year 100", Wareki{Reiwa, 100, 1, 8}, "", "JUKI-ERA-YEAR"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.w.ReferenceB(2030, "1234")
			wantCode(t, err, tt.code)
			if got != tt.want {
				t.Errorf("ReferenceB = %q, want %q", got, tt.want)
			}
		})
	}
}

// The era table here is written with time.Time and knows nothing of the other.
func TestBirthReferenceAgreesWithTime(t *testing.T) {
	offset := func(at time.Time) int {
		switch day := at.Format("20060102"); {
		case day >= "20190501":
			return 2018
		case day >= "19890108":
			return 1988
		case day >= "19261225":
			return 1925
		case day >= "19120730":
			return 1911
		default:
			return 1867
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		at := time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 55_000).Draw(t, "day"))
		birth := Date{at.Year(), int(at.Month()), at.Day()}
		foreign, err := BirthReference(birth, true)
		if want := at.Format("060102"); err != nil || foreign != want {
			t.Fatalf("foreign %v = %q, %v; want %q", birth, foreign, err, want)
		}
		era := at.Year() - offset(at)
		want := string([]byte{byte('0' + era/10), byte('0' + era%10)}) + at.Format("0102")
		if got, err := BirthReference(birth, false); err != nil || got != want {
			t.Fatalf("%v = %q, %v; want %q", birth, got, err, want)
		}
	})
}

func TestShortReference(t *testing.T) {
	for _, tt := range []struct {
		year       int
		code, want string
		refused    string
	}{
		{2039, "2285", "392285", ""},
		{2105, "0001", "050001", ""},
		{2015, "2285", "", "JUKI-EXPIRYYEAR-FORMAT"},
		{2039, "228", "", "JUKI-SECURITYCODE-FORMAT"},
	} {
		got, err := ShortReference(tt.year, tt.code)
		if got != tt.want {
			t.Errorf("%d %s: %q, want %q", tt.year, tt.code, got, tt.want)
		}
		wantCode(t, err, tt.refused)
	}
}
