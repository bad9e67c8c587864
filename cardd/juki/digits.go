package juki

// The two numbers of the register and the addressee number are all "modulus 11,
// weights 2 to 7 from the right"; they differ in length and in what happens to
// the remainders 0 and 1.

const (
	sizeMyNumber      = 12 // digits, check digit included
	sizeResidentCode  = 11 // digits, check digit included
	sizeApplicationID = 23 // digits
	sizeSecurityCode  = 4  // digits
	sizeMunicipality  = 5  // digits, prefecture 2 + municipality 3
	sizeAddresseeMax  = 31 // digits before the check digit; ours, the specification names no length
)

// CheckMyNumber accepts a 個人番号 of 12 half-width digits whose last digit is the
// check digit of the others. A leading zero is legal, so the number is text.
// About 1.7 % of single wrong digits and 2.0 % of swapped neighbours pass, so
// this never proves whose number it is: compare card and register.
//
// 平成26年総務省令85号, article 5.
func CheckMyNumber(digits string) error {
	return checkNumber(digits, sizeMyNumber, "my_number", "JUKI-MYNUMBER")
}

// CheckResidentCode accepts a 住民票コード of 11 half-width digits with a right
// check digit. The notice that sets the formula (平成14年総務省告示436号) was not
// found; the rule of the My Number over ten digits fits all published samples.
func CheckResidentCode(digits string) error {
	return checkNumber(digits, sizeResidentCode, "resident_code", "JUKI-RESIDENTCODE")
}

// MyNumberCheckDigit is the check digit '0' to '9' for the 11 digits before it:
// 11 − (Σ Pn·Qn mod 11), 0 where the remainder is 0 or 1; Pn is the n-th digit
// from the right, Qn = n+1 for n ≤ 6 and n−5 above (平成26年総務省令85号, article 5).
func MyNumberCheckDigit(body string) (byte, error) {
	if err := checkDigits(body, sizeMyNumber-1, "my_number", "JUKI-MYNUMBER"); err != nil {
		return 0, err
	}
	return registerCheckDigit(body), nil
}

// ResidentCodeCheckDigit is the check digit '0' to '9' for the 10 digits before
// it; see CheckResidentCode for how far the rule is known.
func ResidentCodeCheckDigit(body string) (byte, error) {
	if err := checkDigits(body, sizeResidentCode-1, "resident_code", "JUKI-RESIDENTCODE"); err != nil {
		return 0, err
	}
	return registerCheckDigit(body), nil
}

// AddresseeCheckDigit is the check digit '0' to '9' for the serial part of a
// 宛名番号 or 世帯番号 (1 to 31 digits): M11W2–7, where remainder 0 gives 0. For
// remainder 1 the register specification (1.1.13) names no digit, and cities
// differ; ours: such a serial number is refused and the next one taken.
func AddresseeCheckDigit(body string) (byte, error) {
	if len(body) == 0 || len(body) > sizeAddresseeMax || !allDigits(body) {
		return 0, refuse("JUKI-ADDRESSEE-DIGITS", "addressee_number")
	}
	switch r := remainder11(body); r {
	case 0:
		return '0', nil
	case 1:
		return 0, refuse("JUKI-ADDRESSEE-NODIGIT", "addressee_number")
	default:
		return byte('0' + 11 - r), nil
	}
}

// CheckApplicationID accepts the 23 digits of a 申請書ID, as the QR code of the
// application form holds them. No check digit of it is public.
func CheckApplicationID(digits string) error {
	return checkPlain(digits, sizeApplicationID, "JUKI-APPLICATIONID-FORMAT", "application_id")
}

// CheckSecurityCode accepts the 4 digits of the セキュリティコード on the card face.
func CheckSecurityCode(digits string) error {
	return checkPlain(digits, sizeSecurityCode, "JUKI-SECURITYCODE-FORMAT", "security_code")
}

// CheckMunicipality accepts a municipality code of 5 digits: prefecture 01 to 47
// (JIS X 0401), then three digits (JIS X 0402). Whether the municipality exists
// is not looked up.
func CheckMunicipality(digits string) error {
	const code, field = "JUKI-MUNICIPALITY-FORMAT", "municipality_code"
	if err := checkPlain(digits, sizeMunicipality, code, field); err != nil {
		return err
	}
	if prefecture := digits[:2]; prefecture < "01" || prefecture > "47" {
		return refuse(code, field)
	}
	return nil
}

// checkNumber is the whole test of a number that ends in its check digit.
func checkNumber(digits string, size int, field, codes string) error {
	if err := checkDigits(digits, size, field, codes); err != nil {
		return err
	}
	if digits[size-1] != registerCheckDigit(digits[:size-1]) {
		return refuse(codes+"-CHECKDIGIT", field)
	}
	return nil
}

// checkDigits looks at characters before length, for full-width digits take
// three bytes each and "12 digits wanted" would puzzle who typed twelve.
func checkDigits(s string, size int, field, codes string) error {
	if !allDigits(s) {
		return refuse(codes+"-DIGITS", field)
	}
	if len(s) != size {
		return refuse(codes+"-LENGTH", field)
	}
	return nil
}

// checkPlain accepts exactly size digits.
func checkPlain(s string, size int, code, field string) error {
	if len(s) != size || !allDigits(s) {
		return refuse(code, field)
	}
	return nil
}

// allDigits reports whether s consists of ASCII digits; true for "".
func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// registerCheckDigit is the check digit of My Number and resident code alike:
// both remainders 0 and 1 give 0, which is why 0 is twice as common as the rest.
func registerCheckDigit(body string) byte {
	if r := remainder11(body); r > 1 {
		return byte('0' + 11 - r)
	}
	return '0'
}

// remainder11 is the weighted sum of ASCII digits modulo 11, the weights being
// 2 3 4 5 6 7 2 3 … from the right.
func remainder11(body string) int {
	sum := 0
	for n := range len(body) {
		sum += int(body[len(body)-1-n]-'0') * (2 + n%6)
	}
	return sum % 11
}
