package juki

import "slices"

// PINClass is one of the four PINs a holder sets.
type PINClass string

// The four classes.
const (
	PINSignature      PINClass = "signature"      // 署名用電子証明書暗証番号
	PINAuthentication PINClass = "authentication" // 利用者証明用電子証明書暗証番号
	PINResident       PINClass = "resident"       // 住民基本台帳用暗証番号
	PINText           PINClass = "text"           // 券面事項入力補助用暗証番号
)

// PINClasses are the four in the order of the setting form (暗証番号設定依頼書).
var PINClasses = []PINClass{PINSignature, PINAuthentication, PINResident, PINText}

// PINRule is what a PIN of one class must be.
type PINRule struct {
	Class          PINClass
	Japanese       string // the name on the form
	MinLen, MaxLen int    // characters, each one byte
	Tries          int    // wrong presentations in a row that block it
	Letters        bool   // A to Z allowed, and at least one letter and one digit demanded; else digits only
	Always         bool   // on every card with holder PINs; else only with its certificate
}

// pinRules in the order of PINClasses (rules fact sheet, 2.1; tries and lengths
// agree with OpenSC card-jpki.c for the two JPKI PINs).
var pinRules = [...]PINRule{
	{PINSignature, "署名用電子証明書暗証番号", 6, 16, 5, true, false},
	{PINAuthentication, "利用者証明用電子証明書暗証番号", 4, 4, 3, false, false},
	{PINResident, "住民基本台帳用暗証番号", 4, 4, 3, false, true},
	{PINText, "券面事項入力補助用暗証番号", 4, 4, 3, false, true},
}

// RuleOf is the rule of a class; the zero PINRule for a class that does not exist.
func RuleOf(class PINClass) PINRule {
	for _, r := range pinRules {
		if r.Class == class {
			return r
		}
	}
	return PINRule{}
}

// CheckPIN accepts a PIN that its class allows. The error names the class and the
// rule, and neither holds nor hints at the PIN. Lower-case letters are refused,
// not converted: the holder shall see what is set. The three numeric PINs may be
// the same. There is no public list of forbidden values; see WeakPIN.
func CheckPIN(class PINClass, pin []byte) error {
	rule, field := RuleOf(class), "pin."+string(class)
	switch {
	case rule.Class == "":
		return refuse("JUKI-PIN-CLASS", "pin")
	case rule.Letters:
		return checkSignaturePIN(pin, rule, field)
	case !only(pin, isDigit):
		return refuse("JUKI-PIN-NUMERIC-CHARACTERS", field)
	case len(pin) != rule.MinLen:
		return refuse("JUKI-PIN-NUMERIC-LENGTH", field)
	default:
		return nil
	}
}

// checkSignaturePIN is CheckPIN for the class with letters.
func checkSignaturePIN(pin []byte, rule PINRule, field string) error {
	alphabet := func(b byte) bool { return isUpper(b) || isDigit(b) }
	withLower := func(b byte) bool { return alphabet(b) || b >= 'a' && b <= 'z' }
	switch {
	case !only(pin, withLower):
		return refuse("JUKI-PIN-SIGNATURE-CHARACTERS", field)
	case !only(pin, alphabet):
		return refuse("JUKI-PIN-SIGNATURE-LOWERCASE", field)
	case len(pin) < rule.MinLen || len(pin) > rule.MaxLen:
		return refuse("JUKI-PIN-SIGNATURE-LENGTH", field)
	case !slices.ContainsFunc(pin, isUpper):
		return refuse("JUKI-PIN-SIGNATURE-LETTER", field)
	case !slices.ContainsFunc(pin, isDigit):
		return refuse("JUKI-PIN-SIGNATURE-DIGIT", field)
	default:
		return nil
	}
}

// CheckPINClasses compares the PINs that are offered with those a card needs
// (Eligibility.PINs): none missing, none too many, none twice.
func CheckPINClasses(needed, offered []PINClass) error {
	for i, class := range offered {
		field := "pin." + string(class)
		switch {
		case RuleOf(class).Class == "":
			return refuse("JUKI-PIN-CLASS", "pin")
		case slices.Contains(offered[:i], class):
			return refuse("JUKI-PIN-DUPLICATE", field)
		case !slices.Contains(needed, class):
			return refuse("JUKI-PIN-FORBIDDEN", field)
		}
	}
	for _, class := range needed {
		if !slices.Contains(offered, class) {
			return refuse("JUKI-PIN-MISSING", "pin."+string(class))
		}
	}
	return nil
}

// only reports whether every byte of pin satisfies f.
func only(pin []byte, f func(byte) bool) bool {
	return !slices.ContainsFunc(pin, func(b byte) bool { return !f(b) })
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func isUpper(b byte) bool { return b >= 'A' && b <= 'Z' }
