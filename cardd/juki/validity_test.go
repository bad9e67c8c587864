package juki

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// day is a test's short form of a date written as text; nil for "".
func day(t testing.TB, s string) *Date {
	t.Helper()
	if s == "" {
		return nil
	}
	d, err := ParseBirth(s)
	if err != nil {
		t.Fatal(err)
	}
	return &d
}

func TestCardExpiry(t *testing.T) {
	tests := []struct {
		name                   string
		birth, applied, issued string
		renewal, stay          string
		foreign                bool
		want                   string
	}{
		{"example of 政府広報", "1985-10-10", "2020-05-01", "2020-05-15", "", "", false, "2029-10-10"},
		{"birthday earlier in the year", "1985-02-17", "2026-04-01", "2026-04-10", "", "", false, "2036-02-17"},
		{"birthday is the day of issue", "1985-04-10", "2026-04-01", "2026-04-10", "", "", false, "2036-04-10"},
		{"birthday the day after issue", "1985-04-11", "2026-04-01", "2026-04-10", "", "", false, "2035-04-11"},
		{"birthday the day before issue", "1985-04-09", "2026-04-01", "2026-04-10", "", "", false, "2036-04-09"},
		{"born on 29 February, common year", "1988-02-29", "2026-04-01", "2026-04-10", "", "", false, "2036-02-29"},
		{"born on 29 February, ends in a common year", "1988-02-29", "2025-04-01", "2025-04-10", "", "", false, "2035-02-28"},
		{"born on 29 February, issued on the 28th", "1988-02-29", "2026-02-01", "2026-02-28", "", "", false, "2036-02-29"},
		{"born on 29 February, issued on the 27th", "1988-02-29", "2026-02-01", "2026-02-27", "", "", false, "2035-02-28"},
		{"born on 29 February, issued on a leap 28th", "1988-02-29", "2028-02-01", "2028-02-28", "", "", false, "2037-02-28"},
		{"29 February of a common year", "1981-02-29", "2026-04-01", "2026-04-10", "", "", false, "2036-02-29"},

		{"eighteen at acceptance", "2008-04-01", "2026-04-01", "2026-04-10", "", "", false, "2036-04-01"},
		{"eighteen a day after acceptance", "2008-04-02", "2026-04-01", "2026-04-10", "", "", false, "2031-04-02"},
		{"eighteen, accepted on the first day of the new age", "2004-04-01", "2022-04-01", "2022-04-20", "", "", false, "2032-04-01"},
		{"eighteen, accepted on the last day of the old age", "2004-03-31", "2022-03-31", "2022-04-20", "", "", false, "2027-03-31"},
		{"nineteen, accepted on the last day of the old age", "2002-04-01", "2022-03-31", "2022-04-20", "", "", false, "2027-04-01"},
		{"twenty, accepted on the last day of the old age", "2002-03-31", "2022-03-31", "2022-04-20", "", "", false, "2032-03-31"},
		{"seventeen, accepted under the new age", "2004-04-02", "2022-04-01", "2022-04-20", "", "", false, "2027-04-02"},
		{"newborn", "2026-04-01", "2026-04-01", "2026-04-05", "", "", false, "2031-04-01"},
		{"infant whose first birthday lies ahead", "2025-06-01", "2026-04-01", "2026-04-05", "", "", false, "2030-06-01"},

		{"adult renewed inside the window", "1985-04-10", "2026-01-11", "2026-02-01", "2026-04-10", "", false, "2036-04-10"},
		{"adult renewed a day too early", "1985-04-10", "2026-01-10", "2026-02-01", "2026-04-10", "", false, "2035-04-10"},
		{"minor renewed inside the window", "2012-04-10", "2026-02-01", "2026-03-01", "2026-04-10", "", false, "2031-04-10"},
		{"renewed on the last day", "1985-04-10", "2026-04-10", "2026-04-10", "2026-04-10", "", false, "2037-04-10"},
		{"made after the old card ended", "1985-04-10", "2026-04-01", "2026-04-20", "2026-04-10", "", false, "2036-04-10"},
		{"asked for after the old card ended", "1985-04-10", "2026-04-11", "2026-04-20", "2026-04-10", "", false, "2036-04-10"},

		{"permanent resident", "1985-10-10", "2026-04-01", "2026-04-10", "", "", true, "2035-10-10"},
		{"stay ends first", "1985-10-10", "2026-04-01", "2026-04-10", "", "2027-09-30", true, "2027-09-30"},
		{"stay ends on the birthday", "1985-10-10", "2026-04-01", "2026-04-10", "", "2035-10-10", true, "2035-10-10"},
		{"stay ends after the birthday", "1985-10-10", "2026-04-01", "2026-04-10", "", "2036-01-01", true, "2035-10-10"},
		{"stay ends on the day of issue", "1985-10-10", "2026-04-01", "2026-04-10", "", "2026-04-10", true, "2026-04-10"},
		{"foreign minor, fifth birthday first", "2015-10-10", "2026-04-01", "2026-04-10", "", "2031-03-31", true, "2030-10-10"},
		{"foreign minor, stay first", "2015-10-10", "2026-04-01", "2026-04-10", "", "2029-03-31", true, "2029-03-31"},
		{"renewal capped by the stay", "1985-04-10", "2026-02-01", "2026-03-01", "2026-04-10", "2030-06-30", true, "2030-06-30"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := CardExpiry(ValidityInput{
				Birth: *day(t, tt.birth), Applied: *day(t, tt.applied), Issued: *day(t, tt.issued),
				Renewal: day(t, tt.renewal), Foreign: tt.foreign, StayUntil: day(t, tt.stay),
			})
			if err != nil || got.String() != tt.want {
				t.Errorf("CardExpiry = %v, %v; want %s", got, err, tt.want)
			}
		})
	}
}

func TestCardExpiryRefused(t *testing.T) {
	good := ValidityInput{Birth: Date{1985, 10, 10}, Applied: Date{2026, 4, 1}, Issued: Date{2026, 4, 10}}
	tests := []struct {
		name, code string
		change     func(*ValidityInput)
	}{
		{"birthday unknown", "JUKI-BIRTH-UNKNOWN", func(v *ValidityInput) { v.Birth = Date{1985, 10, 0} }},
		{"birth impossible", "JUKI-BIRTH-IMPOSSIBLE", func(v *ValidityInput) { v.Birth = Date{1985, 9, 31} }},
		{"born later", "JUKI-BIRTH-FUTURE", func(v *ValidityInput) { v.Birth = Date{2026, 4, 2} }},
		{"issued before accepted", "JUKI-ISSUED-BEFORE-APPLIED", func(v *ValidityInput) { v.Issued = Date{2026, 3, 31} }},
		{"acceptance missing", "JUKI-DATE-IMPOSSIBLE", func(v *ValidityInput) { v.Applied = Date{} }},
		{"stay of a Japanese national", "JUKI-STAY-JAPANESE", func(v *ValidityInput) { v.StayUntil = &Date{2027, 1, 1} }},
		{"stay ended", "JUKI-STAY-ENDED", func(v *ValidityInput) { v.Foreign, v.StayUntil = true, &Date{2026, 4, 9} }},
		{"stay impossible", "JUKI-DATE-IMPOSSIBLE", func(v *ValidityInput) { v.Foreign, v.StayUntil = true, &Date{2027, 2, 29} }},
		{"renewal impossible", "JUKI-DATE-IMPOSSIBLE", func(v *ValidityInput) { v.Renewal = &Date{2026, 6, 31} }},
	}
	if _, err := CardExpiry(good); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := good
			tt.change(&v)
			got, err := CardExpiry(v)
			wantCode(t, err, tt.code)
			if !got.IsZero() {
				t.Errorf("an error came with %v", got)
			}
		})
	}
}

func TestRenewalWindow(t *testing.T) {
	tests := []struct{ name, expiry, from string }{
		{"example of 宇都宮市", "2026-04-10", "2026-01-11"},
		{"month-end clamp", "2026-05-31", "2026-03-01"},
		{"month-end clamp, leap year", "2028-05-31", "2028-03-01"},
		{"29 May", "2026-05-29", "2026-03-01"},
		{"28 May", "2026-05-28", "2026-03-01"},
		{"27 May", "2026-05-27", "2026-02-28"},
		{"across the year", "2026-02-17", "2025-11-18"},
		{"28 February", "2026-02-28", "2025-11-29"},
		{"29 February", "2028-02-29", "2027-11-30"},
		{"31 December", "2026-12-31", "2026-10-01"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			expiry, from := *day(t, tt.expiry), *day(t, tt.from)
			if got := RenewalFrom(expiry); got != from {
				t.Errorf("RenewalFrom = %v, want %v", got, from)
			}
			wantCode(t, CheckRenewal(expiry, from.AddDays(-1)), "JUKI-RENEWAL-EARLY", tt.expiry)
			wantCode(t, CheckRenewal(expiry, from), "")
			wantCode(t, CheckRenewal(expiry, expiry), "")
			wantCode(t, CheckRenewal(expiry, expiry.AddDays(1)), "JUKI-RENEWAL-LATE", tt.expiry)
		})
	}
	wantCode(t, CheckRenewal(Date{}, Date{2026, 4, 1}), "JUKI-DATE-IMPOSSIBLE")
}

func TestCertificateExpiry(t *testing.T) {
	tests := []struct {
		name, purpose, birth, issued, card, auth, renewal string
		want                                              string
	}{
		{"authentication, fifth birthday", "authentication", "1985-10-10", "2026-04-10", "2035-10-10", "", "", "2030-10-10"},
		{"test card: 2025-10-27 to the birthday in 2030", "authentication", "1980-02-17", "2025-10-27", "2035-02-17", "", "", "2030-02-17"},
		{"real certificate: night batch of 2019-07-26", "authentication", "1985-05-02", "2019-07-26", "2029-05-02", "", "", "2024-05-02"},
		{"signature, fifth birthday", "signature", "1985-10-10", "2026-04-10", "2035-10-10", "2030-10-10", "", "2030-10-10"},
		{"signature ends with authentication", "signature", "1985-10-10", "2028-04-10", "2035-10-10", "2030-10-10", "", "2030-10-10"},
		{"signature without authentication", "signature", "1985-10-10", "2028-04-10", "2035-10-10", "", "", "2032-10-10"},
		{"ends with the card", "authentication", "1985-10-10", "2033-04-10", "2035-10-10", "", "", "2035-10-10"},
		{"ends with the stay", "signature", "1985-10-10", "2026-04-10", "2027-09-30", "2027-09-30", "", "2027-09-30"},
		{"authentication ignores itself", "authentication", "1985-10-10", "2026-04-10", "2035-10-10", "2027-01-01", "", "2030-10-10"},
		{"birthday is the day of issue", "authentication", "1985-04-10", "2026-04-10", "2036-04-10", "", "", "2031-04-10"},
		{"renewed inside the window", "authentication", "1985-10-10", "2030-07-11", "2035-10-10", "", "2030-10-10", "2035-10-10"},
		{"renewed a day too early", "authentication", "1985-10-10", "2030-07-10", "2035-10-10", "", "2030-10-10", "2034-10-10"},
		{"renewed inside the window, card ends first", "signature", "1985-10-10", "2030-09-01", "2032-03-31", "2032-03-31", "2030-10-10", "2032-03-31"},
		{"renewed after expiry", "authentication", "1985-10-10", "2030-10-11", "2040-10-10", "", "2030-10-10", "2035-10-10"},
		{"born on 29 February", "authentication", "1988-02-29", "2026-04-10", "2036-02-29", "", "", "2031-02-28"},
		{"child", "authentication", "2015-06-01", "2026-04-10", "2030-06-01", "", "", "2030-06-01"},
		{"card's last day", "authentication", "1985-10-10", "2035-10-10", "2035-10-10", "", "", "2035-10-10"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := CertificateExpiry(tt.purpose, *day(t, tt.birth), *day(t, tt.issued), *day(t, tt.card), day(t, tt.auth), day(t, tt.renewal))
			if err != nil || got.String() != tt.want {
				t.Errorf("CertificateExpiry = %v, %v; want %s", got, err, tt.want)
			}
		})
	}
}

func TestCertificateExpiryRefused(t *testing.T) {
	tests := []struct {
		name, purpose, birth, issued, card, auth, renewal string
		code                                              string
	}{
		{"no such purpose", "encryption", "1985-10-10", "2026-04-10", "2035-10-10", "", "", "JUKI-PURPOSE-UNKNOWN"},
		{"birthday unknown", "signature", "1985-10-00", "2026-04-10", "2035-10-10", "", "", "JUKI-BIRTH-UNKNOWN"},
		{"card ended", "authentication", "1985-10-10", "2035-10-11", "2035-10-10", "", "", "JUKI-CARD-EXPIRED"},
		{"authentication ended", "signature", "1985-10-10", "2030-10-11", "2035-10-10", "2030-10-10", "", "JUKI-AUTHENTICATION-EXPIRED"},
		{"card expiry missing", "signature", "1985-10-10", "2026-04-10", "0000-00-00", "", "", "JUKI-DATE-IMPOSSIBLE"},
		{"issue missing", "signature", "1985-10-10", "0000-00-00", "2035-10-10", "", "", "JUKI-DATE-IMPOSSIBLE"},
		{"authentication expiry missing", "signature", "1985-10-10", "2026-04-10", "2035-10-10", "0000-00-00", "", "JUKI-DATE-IMPOSSIBLE"},
		{"renewal missing", "authentication", "1985-10-10", "2026-04-10", "2035-10-10", "", "0000-00-00", "JUKI-DATE-IMPOSSIBLE"},
		{"born after issue", "authentication", "2026-04-11", "2026-04-10", "2031-04-10", "", "", "JUKI-BIRTH-FUTURE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := CertificateExpiry(tt.purpose, *day(t, tt.birth), *day(t, tt.issued), *day(t, tt.card), day(t, tt.auth), day(t, tt.renewal))
			wantCode(t, err, tt.code, tt.birth)
		})
	}
}

// walkBirthdays finds the n-th birthday after a day by walking day by day with
// time.Time, taking 1 March less a day as the birthday that is missing.
func walkBirthdays(birth, from time.Time, n int) time.Time {
	for at := from; ; {
		at = at.AddDate(0, 0, 1)
		wanted := birth.Format("0102")
		if wanted == "0229" && at.AddDate(0, 0, 1).Format("0102") == "0301" && at.Format("0102") == "0228" {
			wanted = "0228"
		}
		if at.Format("0102") == wanted {
			if n--; n == 0 {
				return at
			}
		}
	}
}

func TestCardExpiryAgreesWithWalking(t *testing.T) {
	plain := func(at time.Time) Date { return Date{at.Year(), int(at.Month()), at.Day()} }
	rapid.Check(t, func(t *rapid.T) {
		applied := time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 3000).Draw(t, "applied"))
		birth := applied.AddDate(0, 0, -rapid.OneOf(rapid.IntRange(0, 36_000), rapid.IntRange(6500, 7400)).Draw(t, "age"))
		if year := birth.Year() / 4 * 4; year > 1900 && rapid.Bool().Draw(t, "leapling") {
			if leapDay := time.Date(year, 2, 29, 0, 0, 0, 0, time.UTC); !leapDay.After(applied) {
				birth = leapDay
			}
		}
		issued := applied.AddDate(0, 0, rapid.IntRange(0, 60).Draw(t, "lag"))
		n, threshold := 5, 18
		if applied.Format(time.DateOnly) < "2022-04-01" {
			threshold = 20
		}
		if lived := walkBirthdays(birth, birth, threshold); !lived.After(applied) {
			n = 10
		}
		want := plain(walkBirthdays(birth, issued, n))
		got, err := CardExpiry(ValidityInput{Birth: plain(birth), Applied: plain(applied), Issued: plain(issued)})
		if err != nil || got != want {
			t.Fatalf("born %v, accepted %v, made %v: %v, %v; want %v", plain(birth), plain(applied), plain(issued), got, err, want)
		}
	})
}

// Whatever comes in: a certificate never outlives its card, and signature never
// outlives authentication; both end on or after the day of issue.
func TestCertificatesNeverOutlive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		issued := Date{2022, 4, 1}.AddDays(rapid.IntRange(0, 5000).Draw(t, "issued"))
		birth := issued.AddDays(-rapid.IntRange(0, 36_000).Draw(t, "age"))
		v := ValidityInput{Birth: birth, Applied: issued, Issued: issued}
		if rapid.Bool().Draw(t, "foreign") {
			stay := issued.AddDays(rapid.IntRange(0, 4000).Draw(t, "stay"))
			v.Foreign, v.StayUntil = true, &stay
		}
		if rapid.Bool().Draw(t, "renewal") {
			old := issued.AddDays(rapid.IntRange(-40, 120).Draw(t, "old"))
			v.Renewal = &old
		}
		card, err := CardExpiry(v)
		if err != nil {
			t.Fatal(err)
		}
		auth, err := CertificateExpiry(PurposeAuthentication, birth, issued, card, nil, v.Renewal)
		if err != nil {
			t.Fatal(err)
		}
		sign, err := CertificateExpiry(PurposeSignature, birth, issued, card, &auth, v.Renewal)
		if err != nil {
			t.Fatal(err)
		}
		if auth.After(card) || sign.After(auth) || sign.Before(issued) {
			t.Fatalf("card %v, authentication %v, signature %v, issued %v", card, auth, sign, issued)
		}
		if card.After(issued.AddYears(11)) {
			t.Fatalf("card %v made %v", card, issued)
		}
	})
}

func TestAge(t *testing.T) {
	tests := []struct {
		name, birth, on string
		want            int
	}{
		{"day of birth", "2026-04-01", "2026-04-01", 0},
		{"day before the first birthday", "2025-04-02", "2026-04-01", 0},
		{"first birthday", "2025-04-01", "2026-04-01", 1},
		{"before birth", "2026-04-02", "2026-04-01", -1},
		{"born on 29 February, 27 February", "2008-02-29", "2023-02-27", 14},
		{"born on 29 February, 28 February", "2008-02-29", "2023-02-28", 15},
		{"born on 29 February, leap 28 February", "2008-02-29", "2024-02-28", 15},
		{"born on 29 February, leap day", "2008-02-29", "2024-02-29", 16},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Age(*day(t, tt.birth), *day(t, tt.on)); got != tt.want {
				t.Errorf("Age = %d, want %d", got, tt.want)
			}
		})
	}
}

func TestFurtherPeriods(t *testing.T) {
	tests := []struct {
		name string
		got  Date
		want string
	}{
		{"insurance, month without clamp", InsuranceUntil(Date{2026, 4, 10}), "2026-07-31"},
		{"insurance, into February", InsuranceUntil(Date{2026, 11, 30}), "2027-02-28"},
		{"insurance, over the year", InsuranceUntil(Date{2026, 12, 31}), "2027-03-31"},
		{"transitional stay", TransitionalStay(Date{2026, 1, 1}), "2026-03-02"},
		{"transitional stay, leap year", TransitionalStay(Date{2028, 1, 1}), "2028-03-01"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.got.String() != tt.want {
				t.Errorf("got %s, want %s", tt.got, tt.want)
			}
		})
	}
}

// TestTermsOfTheNextCard: certificates until the tenth birthday, a card a month longer,
// renewal a year before (card fact sheet, 8; rules fact sheet, 7).
func TestTermsOfTheNextCard(t *testing.T) {
	next := Terms{CertificateBirthdays: 10, RenewalMonths: 12, GraceMonths: 1}
	birth, issued := Date{1990, 1, 31}, Date{2029, 4, 10}
	card, err := next.CardExpiry(ValidityInput{Birth: birth, Applied: issued, Issued: issued})
	if err != nil || card != (Date{2039, 2, 28}) {
		t.Errorf("the card expires %v (%v)", card, err)
	}
	for _, purpose := range []string{PurposeAuthentication, PurposeSignature} {
		last, err := next.CertificateExpiry(purpose, birth, issued, card, nil, nil)
		if err != nil || last != (Date{2039, 1, 31}) {
			t.Errorf("%s expires %v (%v)", purpose, last, err)
		}
	}
	if from := next.RenewalFrom(card); from != (Date{2038, 3, 1}) {
		t.Errorf("renewal opens %v", from)
	}
	wantCode(t, next.CheckRenewal(card, Date{2038, 2, 28}), "JUKI-RENEWAL-EARLY")
	wantCode(t, next.CheckRenewal(card, Date{2038, 3, 1}), "")
}
