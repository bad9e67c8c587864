package juki

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// ordinanceDigit works the check digit out as 平成26年総務省令85号 words it, from a
// weight string written down by hand; it shares nothing with the package.
func ordinanceDigit(body, weights string) byte {
	sum := 0
	for i, w := range weights {
		sum += int(body[i]-48) * int(w-48)
	}
	remainder := sum % 11
	if remainder <= 1 {
		return '0'
	}
	return "0123456789"[11-remainder]
}

const (
	weightsMyNumber     = "65432765432"
	weightsResidentCode = "5432765432"
)

func TestMyNumberOfTheSheet(t *testing.T) {
	tests := []struct {
		name, digits, code string
	}{
		{"worked example, sum 212", "123456789018", ""},
		{"worked example, sum 267", "537686677188", ""},
		{"leading zero", "023456789013", ""},
		{"valid 983205673214", "983205673214", ""},
		{"remainder 0 or 1 gives 0", "123456789000", ""},
		{"valid 379474484458", "379474484458", ""},
		{"valid 454972364860", "454972364860", ""},
		{"valid 507957100721", "507957100721", ""},
		{"wrong last digit 2", "123456789012", "JUKI-MYNUMBER-CHECKDIGIT"},
		{"wrong last digit 1 after remainder 1", "123456789001", "JUKI-MYNUMBER-CHECKDIGIT"},
		{"wrong last digit 0", "983205673210", "JUKI-MYNUMBER-CHECKDIGIT"},
		{"wrong last digit in a known number", "507957100722", "JUKI-MYNUMBER-CHECKDIGIT"},
		{"eleven digits", "12345678901", "JUKI-MYNUMBER-LENGTH"},
		{"thirteen digits", "1234567890180", "JUKI-MYNUMBER-LENGTH"},
		{"empty", "", "JUKI-MYNUMBER-LENGTH"},
		{"full-width", "１２３４５６７８９０１８", "JUKI-MYNUMBER-DIGITS"},
		{"four full-width digits, twelve bytes", "１２３４", "JUKI-MYNUMBER-DIGITS"},
		{"letter", "12345678901A", "JUKI-MYNUMBER-DIGITS"},
		{"hyphens", "1234-5678-9018", "JUKI-MYNUMBER-DIGITS"},
		{"trailing newline", "123456789018\n", "JUKI-MYNUMBER-DIGITS"},
		{"sign", "+23456789013", "JUKI-MYNUMBER-DIGITS"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantCode(t, CheckMyNumber(tt.digits), tt.code, tt.digits) })
	}
}

func TestResidentCodeOfTheSheet(t *testing.T) {
	tests := []struct {
		name, digits, code string
	}{
		{"worked example, sum 179", "24727059608", ""},
		{"published sample 2", "24846016224", ""},
		{"published sample 3", "25208017643", ""},
		{"counting up has check digit 3", "12345678903", ""},
		{"counting up to 01", "12345678901", "JUKI-RESIDENTCODE-CHECKDIGIT"},
		{"ten digits", "2472705960", "JUKI-RESIDENTCODE-LENGTH"},
		{"a My Number", "123456789018", "JUKI-RESIDENTCODE-LENGTH"},
		{"full-width", "２４７２７０５９６０８", "JUKI-RESIDENTCODE-DIGITS"},
		{"space", "2472705960 ", "JUKI-RESIDENTCODE-DIGITS"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantCode(t, CheckResidentCode(tt.digits), tt.code, tt.digits) })
	}
}

func TestCheckDigitOfBody(t *testing.T) {
	tests := []struct {
		name string
		f    func(string) (byte, error)
		body string
		want byte
		code string
	}{
		{"My Number 212", MyNumberCheckDigit, "12345678901", '8', ""},
		{"My Number 267", MyNumberCheckDigit, "53768667718", '8', ""},
		{"My Number leading zero", MyNumberCheckDigit, "02345678901", '3', ""},
		{"My Number remainder 0 or 1", MyNumberCheckDigit, "12345678900", '0', ""},
		{"My Number whole", MyNumberCheckDigit, "123456789018", 0, "JUKI-MYNUMBER-LENGTH"},
		{"My Number letters", MyNumberCheckDigit, "1234567890x", 0, "JUKI-MYNUMBER-DIGITS"},
		{"resident code 179", ResidentCodeCheckDigit, "2472705960", '8', ""},
		{"resident code counting up", ResidentCodeCheckDigit, "1234567890", '3', ""},
		{"resident code short", ResidentCodeCheckDigit, "123456789", 0, "JUKI-RESIDENTCODE-LENGTH"},
		{"addressee remainder 2 gives 9", AddresseeCheckDigit, "1", '9', ""},
		{"addressee remainder 0 gives 0", AddresseeCheckDigit, "0", '0', ""},
		{"addressee remainder 0 of 11", AddresseeCheckDigit, "14", '0', ""}, // 1·3 + 4·2 = 11
		{"addressee remainder 1 has none", AddresseeCheckDigit, "6", 0, "JUKI-ADDRESSEE-NODIGIT"},
		{"addressee weights start again after 7", AddresseeCheckDigit, "1000000", '9', ""}, // seventh weight is 2
		{"addressee empty", AddresseeCheckDigit, "", 0, "JUKI-ADDRESSEE-DIGITS"},
		{"addressee too long", AddresseeCheckDigit, strings.Repeat("1", 32), 0, "JUKI-ADDRESSEE-DIGITS"},
		{"addressee letters", AddresseeCheckDigit, "12a", 0, "JUKI-ADDRESSEE-DIGITS"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.f(tt.body)
			wantCode(t, err, tt.code, tt.body)
			if got != tt.want {
				t.Errorf("check digit = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPlainNumbers(t *testing.T) {
	tests := []struct {
		name   string
		f      func(string) error
		digits string
		code   string
	}{
		{"application ID", CheckApplicationID, "99999999999999999999999", ""},
		{"application ID 22", CheckApplicationID, "9999999999999999999999", "JUKI-APPLICATIONID-FORMAT"},
		{"application ID letter", CheckApplicationID, "9999999999999999999999A", "JUKI-APPLICATIONID-FORMAT"},
		{"security code", CheckSecurityCode, "2285", ""},
		{"security code zero", CheckSecurityCode, "0000", ""},
		{"security code 3", CheckSecurityCode, "228", "JUKI-SECURITYCODE-FORMAT"},
		{"security code full-width", CheckSecurityCode, "２２８５", "JUKI-SECURITYCODE-FORMAT"},
		{"municipality", CheckMunicipality, "13221", ""},
		{"first prefecture", CheckMunicipality, "01100", ""},
		{"last prefecture", CheckMunicipality, "47382", ""},
		{"prefecture 00", CheckMunicipality, "00221", "JUKI-MUNICIPALITY-FORMAT"},
		{"prefecture 48", CheckMunicipality, "48221", "JUKI-MUNICIPALITY-FORMAT"},
		{"with check digit", CheckMunicipality, "132217", "JUKI-MUNICIPALITY-FORMAT"},
		{"municipality letter", CheckMunicipality, "13X21", "JUKI-MUNICIPALITY-FORMAT"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantCode(t, tt.f(tt.digits), tt.code, tt.digits) })
	}
}

// Every body that ends in six free digits, each against the ordinance's formula
// and with all ten possible last digits.
func TestMyNumberExhaustiveTail(t *testing.T) {
	zeros := 0
	for n := range 1_000_000 {
		body := fmt.Sprintf("90817%06d", n)
		want := ordinanceDigit(body, weightsMyNumber)
		if got := registerCheckDigit(body); got != want {
			t.Fatalf("body %s: check digit %q, want %q", body, got, want)
		}
		if want == '0' {
			zeros++
		}
		if n%1000 == 0 {
			onlyOneDigitFits(t, body, want)
		}
	}
	if share := float64(zeros) / 1e6; math.Abs(share-2.0/11) > 0.001 {
		t.Errorf("check digit 0 in %.4f of all, want 2/11 (about 18 %%)", share)
	}
}

func onlyOneDigitFits(t *testing.T, body string, want byte) {
	t.Helper()
	for d := byte('0'); d <= '9'; d++ {
		if accepted := CheckMyNumber(body+string(d)) == nil; accepted != (d == want) {
			t.Fatalf("body %s with %q: accepted = %t", body, d, accepted)
		}
	}
}

// The sheet's figures for errors that pass: 1.7 % of single wrong digits and
// 2.0 % of swapped neighbours. They are worked out exactly, by counting bodies
// per remainder, and then the real check is sampled against them.
func TestErrorDetectionIsAsWeakAsTheSheetSays(t *testing.T) {
	single, swap := exactUndetected()
	if math.Abs(single-0.017) > 0.001 {
		t.Errorf("exact share of undetected single errors = %.4f, want about 0.017", single)
	}
	if math.Abs(swap-0.020) > 0.003 {
		t.Errorf("exact share of undetected swaps = %.4f, want about 0.020", swap)
	}
	r := rand.New(rand.NewPCG(20260401, 12))
	var singles, swaps, swapped int
	const tries = 200_000
	for range tries {
		number := randomMyNumber(r)
		if CheckMyNumber(withWrongDigit(r, number)) == nil {
			singles++
		}
		at := r.IntN(11)
		if number[at] == number[at+1] {
			continue
		}
		swapped++
		other := []byte(number)
		other[at], other[at+1] = other[at+1], other[at]
		if CheckMyNumber(string(other)) == nil {
			swaps++
		}
	}
	if got := float64(singles) / tries; math.Abs(got-single) > 0.0015 {
		t.Errorf("sampled share of undetected single errors = %.4f, exact %.4f", got, single)
	}
	if got := float64(swaps) / float64(swapped); math.Abs(got-swap) > 0.0015 {
		t.Errorf("sampled share of undetected swaps = %.4f, exact %.4f", got, swap)
	}
}

// exactUndetected counts, over all 10^11 bodies, positions and errors, the share
// that keeps a right check digit. rest is the distribution of the remainder of
// the digits not touched.
func exactUndetected() (single, swap float64) {
	digit := func(r int) int { return int(ordinanceRemainderDigit(r)) }
	total := 12.0 * 9 // equally likely single errors of one number; one on the check digit is always seen
	for at := range 11 {
		w, rest := int(weightsMyNumber[at]-48), remainderShares(at, -1)
		for r, p := range rest {
			for a := range 10 {
				for b := range 10 {
					if a != b && digit((r+w*a)%11) == digit((r+w*b)%11) {
						single += p / 10 / total
					}
				}
			}
		}
	}
	return single, exactSwaps(digit)
}

func exactSwaps(digit func(int) int) float64 {
	var undetected, all float64
	for at := range 10 {
		w, v := int(weightsMyNumber[at]-48), int(weightsMyNumber[at+1]-48)
		for r, p := range remainderShares(at, at+1) {
			for a := range 10 {
				for b := range 10 {
					if a == b {
						continue
					}
					all += p / 100
					if digit((r+w*a+v*b)%11) == digit((r+w*b+v*a)%11) {
						undetected += p / 100
					}
				}
			}
		}
	}
	for r, p := range remainderShares(10, -1) { // last body digit with the check digit; its weight is 2
		for a := range 10 {
			check := digit((r + 2*a) % 11)
			if a == check {
				continue
			}
			all += p / 10
			if digit((r+2*check)%11) == a {
				undetected += p / 10
			}
		}
	}
	return undetected / all
}

func ordinanceRemainderDigit(r int) byte { return [11]byte{0, 0, 9, 8, 7, 6, 5, 4, 3, 2, 1}[r] }

// remainderShares is how often each remainder arises from uniform digits at all
// places but two.
func remainderShares(without, andWithout int) [11]float64 {
	shares := [11]float64{1}
	for at := range 11 {
		if at == without || at == andWithout {
			continue
		}
		var next [11]float64
		for r, p := range shares {
			for d := range 10 {
				next[(r+d*int(weightsMyNumber[at]-48))%11] += p / 10
			}
		}
		shares = next
	}
	return shares
}

func randomMyNumber(r *rand.Rand) string {
	body := fmt.Sprintf("%011d", r.Int64N(1e11))
	return body + string(ordinanceDigit(body, weightsMyNumber))
}

func withWrongDigit(r *rand.Rand, number string) string {
	b := []byte(number)
	at := r.IntN(12)
	b[at] = '0' + (b[at]-'0'+byte(1+r.IntN(9)))%10
	return string(b)
}

func TestNumbersAgreeWithTheOrdinance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.StringMatching(`[0-9]{11}`).Draw(t, "body")
		got, err := MyNumberCheckDigit(body)
		if want := ordinanceDigit(body, weightsMyNumber); err != nil || got != want {
			t.Fatalf("My Number: %q, %v; want %q", got, err, want)
		}
		got, err = ResidentCodeCheckDigit(body[:10])
		if want := ordinanceDigit(body, weightsResidentCode); err != nil || got != want {
			t.Fatalf("resident code: %q, %v; want %q", got, err, want)
		}
	})
}

// The three rules share weights, yet remainder 1 sets them apart.
func TestAddresseeDiffersOnlyAtRemainderOne(t *testing.T) {
	refused := 0
	for n := range 100_000 {
		body := fmt.Sprintf("%010d", n)
		got, err := AddresseeCheckDigit(body)
		if err != nil {
			refused++
			continue
		}
		if want := ordinanceDigit(body, weightsResidentCode); got != want {
			t.Fatalf("serial %s: %q, want %q", body, got, want)
		}
	}
	if share := float64(refused) / 1e5; math.Abs(share-1.0/11) > 0.001 {
		t.Errorf("share without check digit = %.4f, want 1/11", share)
	}
}
