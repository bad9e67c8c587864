package juki

// Era is a Japanese era by its digit in certificates; 0 is unknown (不明).
type Era int

// The eras since the Gregorian calendar was taken (JPKI certificate profile).
const (
	EraUnknown Era = iota
	Meiji
	Taisho
	Showa
	Heisei
	Reiwa
)

// eraInfo is one era. last is the last day on which the register may still count
// in it: 1912-07-30 is both 明治45年 and 大正元年, 1926-12-25 both 大正15年 and
// 昭和元年 (register specification, 1.1.8); the later changes share no day.
type eraInfo struct {
	japanese, english string
	letter            byte
	firstYear         int  // Gregorian year of year 1 (元年)
	first, last       Date // both inclusive
}

// eras by Era. Meiji began in 1868, but its days before 1873-01-01 were counted
// in the lunisolar calendar and have no Gregorian month and day of the register.
var eras = [...]eraInfo{
	Meiji:  {"明治", "Meiji", 'M', 1868, Date{1873, 1, 1}, Date{1912, 7, 30}},
	Taisho: {"大正", "Taisho", 'T', 1912, Date{1912, 7, 30}, Date{1926, 12, 25}},
	Showa:  {"昭和", "Showa", 'S', 1926, Date{1926, 12, 25}, Date{1989, 1, 7}},
	Heisei: {"平成", "Heisei", 'H', 1989, Date{1989, 1, 8}, Date{2019, 4, 30}},
	Reiwa:  {"令和", "Reiwa", 'R', 2019, Date{2019, 5, 1}, Date{9999, 12, 31}},
}

// known reports whether e is one of the five eras.
func (e Era) known() bool { return e >= Meiji && e <= Reiwa }

// Japanese is the era's name, "不明" when unknown.
func (e Era) Japanese() string {
	if !e.known() {
		return "不明"
	}
	return eras[e].japanese
}

// String is the era's name in Latin letters, "unknown" when unknown.
func (e Era) String() string {
	if !e.known() {
		return "unknown"
	}
	return eras[e].english
}

// EraOf is the era of a day and the year of that era, 1 for 元年. A day that two
// eras share (1912-07-30, 1926-12-25) belongs to the later; where the register
// counts it in the earlier, use Wareki. A date with unknown parts is placed when
// every day it may be lies in one era.
func EraOf(d Date) (Era, int, error) {
	if d.IsZero() || !d.possibleBirth() {
		return EraUnknown, 0, refuse("JUKI-DATE-IMPOSSIBLE", "date")
	}
	early, late := d.bounds()
	if early.Before(eras[Meiji].first) {
		return EraUnknown, 0, refuse("JUKI-ERA-BEFORE", "date")
	}
	era := eraAt(early)
	if eraAt(late) != era {
		return EraUnknown, 0, refuse("JUKI-ERA-AMBIGUOUS", "date")
	}
	return era, d.Year - eras[era].firstYear + 1, nil
}

// eraAt is the latest era that has begun by a day from 1873 on.
func eraAt(d Date) Era {
	for e := Reiwa; e > Meiji; e-- {
		if !d.Before(eras[e].first) {
			return e
		}
	}
	return Meiji
}

// bounds are the earliest and latest day that a date with unknown parts can be;
// both are d itself when all parts are known.
func (d Date) bounds() (early, late Date) {
	switch {
	case d.Month == 0:
		return Date{d.Year, 1, 1}, Date{d.Year, 12, 31}
	case d.Day == 0:
		return Date{d.Year, d.Month, 1}, Date{d.Year, d.Month, daysIn(d.Year, d.Month)}
	default:
		return d, d
	}
}

// EraYY is the year of the era in two digits, "55" for 1980; it opens the 照合番号.
func (d Date) EraYY() (string, error) {
	w, err := WarekiOf(d)
	if err != nil {
		return "", err
	}
	return w.yy()
}
