package juki

import (
	"cmp"
	"fmt"
	"time"
)

// Date is a civil day of the Gregorian calendar, as the register and the card
// count them (Japan Standard Time). Birth dates may break the calendar where
// the register specification (1.1.8) lets them: 29 February of a common year,
// and month or day 0 for parts unknown (不詳). The zero Date is no date.
type Date struct{ Year, Month, Day int }

// jst is the civil time of Japan; it has no summer time.
var jst = time.FixedZone("JST", 9*60*60)

// ParseDate reads "2006-01-02" in half-width digits. A day that the calendar
// does not have is refused; births go through ParseBirth.
func ParseDate(s string) (Date, error) {
	d, err := scanDate(s)
	if err != nil {
		return Date{}, err
	}
	if !d.Valid() {
		return Date{}, refuse("JUKI-DATE-IMPOSSIBLE", "date")
	}
	return d, nil
}

// ParseBirth reads a birth date as "2006-01-02", allowing what the register
// specification (1.1.8) allows for births: 29 February in any year, and 00 for
// an unknown day ("1940-05-00"), month and day ("1940-00-00") or date
// ("0000-00-00"). The field of its errors is "birth".
func ParseBirth(s string) (Date, error) {
	d, err := scanDate(s)
	if err != nil {
		return Date{}, Rename(err, "birth")
	}
	if !d.possibleBirth() {
		return Date{}, refuse("JUKI-BIRTH-IMPOSSIBLE", "birth")
	}
	return d, nil
}

// scanDate reads the form only.
func scanDate(s string) (Date, error) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' || !allDigits(s[:4]+s[5:7]+s[8:]) {
		return Date{}, refuse("JUKI-DATE-FORMAT", "date")
	}
	return Date{digitsValue(s[:4]), digitsValue(s[5:7]), digitsValue(s[8:])}, nil
}

// digitsValue is the number that a few ASCII digits write.
func digitsValue(s string) int {
	n := 0
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
	}
	return n
}

// DateOf is the civil day in Japan at an instant.
func DateOf(t time.Time) Date {
	y, m, d := t.In(jst).Date()
	return Date{y, int(m), d}
}

// String is "2006-01-02".
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// Compact is "20060102", as the chip and the certificates write days.
func (d Date) Compact() string { return fmt.Sprintf("%04d%02d%02d", d.Year, d.Month, d.Day) }

// IsZero reports whether d is no date at all (of a birth: 年月日不詳).
func (d Date) IsZero() bool { return d == Date{} }

// Valid reports whether the calendar has the day, in the years 1 to 9999.
func (d Date) Valid() bool {
	return d.Year >= 1 && d.Year <= 9999 && d.Month >= 1 && d.Month <= 12 &&
		d.Day >= 1 && d.Day <= daysIn(d.Year, d.Month)
}

// possibleBirth reports whether d may stand as a birth date in the register.
func (d Date) possibleBirth() bool { return d.completeBirth() || d.partial() }

// completeBirth reports whether day, month and year of a birth are all known.
func (d Date) completeBirth() bool {
	leapDay := d.Month == 2 && d.Day == 29 && d.Year >= 1 && d.Year <= 9999
	return d.Valid() || leapDay
}

// partial reports whether d is a birth date with unknown parts: the smaller
// parts are 0, never a larger one alone.
func (d Date) partial() bool {
	switch {
	case d.IsZero():
		return true
	case d.Year < 1 || d.Year > 9999 || d.Day != 0:
		return false
	default:
		return d.Month >= 0 && d.Month <= 12
	}
}

// Compare is -1, 0 or +1 as d lies before, on or after other.
func (d Date) Compare(other Date) int {
	return cmp.Or(cmp.Compare(d.Year, other.Year), cmp.Compare(d.Month, other.Month), cmp.Compare(d.Day, other.Day))
}

// Before reports whether d lies before other.
func (d Date) Before(other Date) bool { return d.Compare(other) < 0 }

// After reports whether d lies after other.
func (d Date) After(other Date) bool { return d.Compare(other) > 0 }

// Equal reports whether both are the same day.
func (d Date) Equal(other Date) bool { return d == other }

// AddYears moves by n years; 29 February becomes 28 February in a common year.
func (d Date) AddYears(n int) Date { return d.AddMonths(12 * n) }

// AddMonths moves by n months, back for a negative n. Where the month reached is
// too short, its last day is taken.
func (d Date) AddMonths(n int) Date {
	months := d.Year*12 + d.Month - 1 + n
	year, month := floorDiv(months, 12), floorMod(months, 12)+1
	return Date{year, month, min(d.Day, daysIn(year, month))}
}

// AddDays moves by n days. A day the calendar does not have counts as the last
// of its month.
func (d Date) AddDays(n int) Date {
	d = d.AddMonths(0)
	y, m, day := time.Date(d.Year, time.Month(d.Month), d.Day+n, 12, 0, 0, 0, time.UTC).Date()
	return Date{y, int(m), day}
}

// EndJST is the last second of the day in Japan, 23:59:59 JST, which is when a
// card or certificate that names the day ends (14:59:59Z in a certificate).
func (d Date) EndJST() time.Time {
	return time.Date(d.Year, time.Month(d.Month), d.Day, 23, 59, 59, 0, jst)
}

// MarshalText is String, so that JSON carries "2006-01-02". Leave an absent date
// out with omitzero.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is ParseDate. A birth date that may break the calendar travels
// as a string and goes through ParseBirth.
func (d *Date) UnmarshalText(b []byte) error {
	parsed, err := ParseDate(string(b))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// daysIn is the length of a month.
func daysIn(year, month int) int {
	switch month {
	case 2:
		if leap(year) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	default:
		return 31
	}
}

// leap is the Gregorian rule.
func leap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// floorDiv rounds towards minus infinity, so that months before year 1 count on.
func floorDiv(a, b int) int { return (a - floorMod(a, b)) / b }

// floorMod is in 0 … b-1.
func floorMod(a, b int) int { return ((a % b) + b) % b }
