package juki

import (
	"fmt"
	"strings"
)

// Wareki is a date as the register writes it for Japanese nationals: an era and
// a year of that era, 1 for 元年. Month and Day are 0 where unknown; Year is 0
// where only the era is known. It keeps what a Date cannot: that 1912-07-30 was
// recorded as 明治45年7月30日, or that an unknown day of 1989 was in 昭和.
type Wareki struct {
	Era              Era
	Year, Month, Day int
}

// WarekiOf is a Date in the Japanese calendar; see EraOf for days that two eras
// share and for unknown parts.
func WarekiOf(d Date) (Wareki, error) {
	era, year, err := EraOf(d)
	if err != nil {
		return Wareki{}, err
	}
	return Wareki{era, year, d.Month, d.Day}, nil
}

// WarekiText is a Date in the words of the register: "昭和55年2月17日", "令和元年5月1日".
func WarekiText(d Date) (string, error) {
	w, err := WarekiOf(d)
	if err != nil {
		return "", err
	}
	return w.String(), nil
}

// ParseWareki reads "昭和55年2月17日", "平成元年1月8日", "明治45.7.30" or "S55.2.17", with
// half-width or full-width digits, and refuses a day its era does not have. The
// forms for unknown parts are not read: they are data of the register, not typed.
func ParseWareki(s string) (Wareki, error) {
	w, ok := scanWareki(narrowDigits(s))
	if !ok {
		return Wareki{}, refuse("JUKI-WAREKI-FORMAT", "wareki")
	}
	if !w.Date().completeBirth() || w.Check() != nil {
		return Wareki{}, refuse("JUKI-WAREKI-RANGE", "wareki")
	}
	return w, nil
}

// Check refuses a day that the era does not have, or unknown parts in the wrong
// order. The era alone (Year 0) and a whole unknown date are accepted.
func (w Wareki) Check() error {
	if w.Year == 0 && w.Month == 0 && w.Day == 0 && (w.Era == EraUnknown || w.Era.known()) {
		return nil
	}
	d := w.Date()
	if !w.Era.known() || w.Year < 1 || !d.possibleBirth() {
		return refuse("JUKI-WAREKI-RANGE", "wareki")
	}
	early, late := d.bounds()
	if late.Before(eras[w.Era].first) || early.After(eras[w.Era].last) {
		return refuse("JUKI-WAREKI-RANGE", "wareki")
	}
	return nil
}

// Date is the same day in the Gregorian calendar; the zero Date where era or
// year is unknown.
func (w Wareki) Date() Date {
	if !w.Era.known() || w.Year == 0 {
		return Date{}
	}
	return Date{eras[w.Era].firstYear + w.Year - 1, w.Month, w.Day}
}

// String is "昭和55年2月17日", with the register's words for unknown parts: "昭和55年2月 日不詳",
// "昭和55年 月日不詳", "年月日不詳" (register specification, 1.1.8).
func (w Wareki) String() string {
	if !w.Era.known() || w.Year == 0 {
		return "年月日不詳"
	}
	year := "元"
	if w.Year > 1 {
		year = fmt.Sprint(w.Year)
	}
	head := w.Era.Japanese() + year + "年"
	switch {
	case w.Month == 0:
		return head + " 月日不詳"
	case w.Day == 0:
		return fmt.Sprintf("%s%d月 日不詳", head, w.Month)
	default:
		return fmt.Sprintf("%s%d月%d日", head, w.Month, w.Day)
	}
}

// Certificate is the birth date of a certificate, EYYYYMMDD: the era's digit and
// the Gregorian day, unknown parts 0, "400000000" where 平成 is all that is known
// (JPKI certificate profile).
func (w Wareki) Certificate() (string, error) {
	if err := w.Check(); err != nil {
		return "", Rename(err, "birth")
	}
	return fmt.Sprint(int(w.Era)) + w.Date().Compact(), nil
}

// Reference is YYMMDD with the year of the era in two digits, as 照合番号B begins
// and as the 券面AP takes the birth date. Unknown parts are refused: what the card
// then holds is not public.
func (w Wareki) Reference() (string, error) {
	if err := w.Check(); err != nil {
		return "", Rename(err, "birth")
	}
	if !w.Date().completeBirth() {
		return "", refuse("JUKI-BIRTH-UNKNOWN", "birth")
	}
	yy, err := w.yy()
	if err != nil {
		return "", Rename(err, "birth")
	}
	return fmt.Sprintf("%s%02d%02d", yy, w.Month, w.Day), nil
}

// yy is the year of the era in two digits.
func (w Wareki) yy() (string, error) {
	if w.Year < 1 || w.Year > 99 {
		return "", refuse("JUKI-ERA-YEAR", "date")
	}
	return fmt.Sprintf("%02d", w.Year), nil
}

// CertificateBirth is the birth date of a certificate, EYYYYMMDD: era digit and
// Gregorian date, "319800217" for 1980-02-17, "000000000" for a date unknown
// altogether. Where the register names the era of a shared or partly unknown
// day, use Wareki.Certificate.
func CertificateBirth(d Date) (string, error) {
	if d.IsZero() {
		return Wareki{}.Certificate()
	}
	w, err := WarekiOf(d)
	if err != nil {
		return "", Rename(err, "birth")
	}
	return w.Certificate()
}

// scanWareki reads the form only: era, year, month and day with 年 月 日 or dots.
func scanWareki(s string) (Wareki, bool) {
	era, rest, ok := cutEra(s)
	if !ok {
		return Wareki{}, false
	}
	separators := []string{"年", "月", "日"}
	if strings.Contains(rest, ".") {
		separators = []string{".", ".", ""}
	}
	var parts [3]int
	for i, separator := range separators {
		if parts[i], rest, ok = cutNumber(rest, separator, i == 0); !ok {
			return Wareki{}, false
		}
	}
	return Wareki{era, parts[0], parts[1], parts[2]}, rest == ""
}

// cutEra takes the era's name or letter off the front.
func cutEra(s string) (Era, string, bool) {
	for e := Meiji; e <= Reiwa; e++ {
		if rest, ok := strings.CutPrefix(s, eras[e].japanese); ok {
			return e, rest, true
		}
		if s != "" && s[0] == eras[e].letter {
			return e, s[1:], true
		}
	}
	return EraUnknown, s, false
}

// cutNumber takes one or two digits and the separator after them off the front;
// 元 counts as 1 where gannen says a year stands here.
func cutNumber(s, separator string, gannen bool) (int, string, bool) {
	if rest, ok := strings.CutPrefix(s, "元"); ok && gannen {
		rest, ok = strings.CutPrefix(rest, separator)
		return 1, rest, ok
	}
	n := 0
	for n < len(s) && n < 2 && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	if n == 0 || digitsValue(s[:n]) == 0 {
		return 0, s, false
	}
	rest, ok := strings.CutPrefix(s[n:], separator)
	return digitsValue(s[:n]), rest, ok
}

// narrowDigits turns full-width digits and dots into ASCII ones.
func narrowDigits(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '０' && r <= '９':
			return r - '０' + '0'
		case r == '．':
			return '.'
		default:
			return r
		}
	}, s)
}
