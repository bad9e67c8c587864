package juki

import "fmt"

// yearFirstCard is the year in which the first cards were handed out; no card
// expires before.
const yearFirstCard = 2016

// ReferenceA is 照合番号A, the 12 digits of the 個人番号 itself (card fact sheet, 3).
// The result is as secret as the number.
func ReferenceA(myNumber string) (string, error) {
	if err := CheckMyNumber(myNumber); err != nil {
		return "", err
	}
	return myNumber, nil
}

// ReferenceB is 照合番号B, 14 digits: birth date YYMMDD as BirthReference gives it,
// the Gregorian year of the card's expiry (4) and the security code of the face
// (4). "55021720352285" is 昭和55年2月17日, 2035, 2285. A wrong era silently eats
// tries of the card, hence every part is checked.
func ReferenceB(birth Date, foreign bool, expiryYear int, securityCode string) (string, error) {
	head, err := BirthReference(birth, foreign)
	if err != nil {
		return "", err
	}
	return referenceB(head, expiryYear, securityCode)
}

// ReferenceB is 照合番号B for a birth date that the register counts in a certain
// era, such as 明治45年7月30日.
func (w Wareki) ReferenceB(expiryYear int, securityCode string) (string, error) {
	head, err := w.Reference()
	if err != nil {
		return "", err
	}
	return referenceB(head, expiryYear, securityCode)
}

// referenceB puts the three parts together.
func referenceB(head string, expiryYear int, securityCode string) (string, error) {
	if expiryYear < yearFirstCard || expiryYear > 9999 {
		return "", refuse("JUKI-EXPIRYYEAR-FORMAT", "expiry_year")
	}
	if err := CheckSecurityCode(securityCode); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s%04d%s", head, expiryYear, securityCode), nil
}

// ShortReference is a 照合番号 of 6 digits, as the next card is to have (card fact sheet,
// 8): the last two digits of the year of the card's expiry and the security code of the
// face. How the real one comes about is not published; this is ours, of what is printed.
func ShortReference(expiryYear int, securityCode string) (string, error) {
	if expiryYear < yearFirstCard || expiryYear > 9999 {
		return "", refuse("JUKI-EXPIRYYEAR-FORMAT", "expiry_year")
	}
	if err := CheckSecurityCode(securityCode); err != nil {
		return "", err
	}
	return fmt.Sprintf("%02d%s", expiryYear%100, securityCode), nil
}

// BirthReference is the birth date in 6 digits YYMMDD: the era year for Japanese
// nationals, the last two digits of the Gregorian year for foreign residents.
// The latter is derived from the rule of the older 住基カード (伊丹市), not published
// for this card.
func BirthReference(birth Date, foreign bool) (string, error) {
	if err := checkBirth(birth); err != nil {
		return "", err
	}
	if foreign {
		return fmt.Sprintf("%02d%02d%02d", birth.Year%100, birth.Month, birth.Day), nil
	}
	w, err := WarekiOf(birth)
	if err != nil {
		return "", Rename(err, "birth")
	}
	return w.Reference()
}
