package people

import "strconv"

// myNumber is an invented 個人番号 of 12 digits: 9999, zeros and the person's place.
// Its check digit follows 平成26年総務省令85号, article 5, with the weights written out.
func myNumber(place int) string {
	body := "99990000" + threeDigits(place)
	return body + mod11(body, []int{6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2})
}

// residentCode is an invented 住民票コード of 11 digits, with the weights that fit
// all published samples.
func residentCode(place int) string {
	body := "9999000" + threeDigits(place)
	return body + mod11(body, []int{5, 4, 3, 2, 7, 6, 5, 4, 3, 2})
}

// mod11 is 11 minus the weighted sum's remainder; remainders 0 and 1 give "0".
func mod11(body string, weights []int) string {
	sum := 0
	for i, w := range weights {
		digit, _ := strconv.Atoi(body[i : i+1]) // digits by construction
		sum += w * digit
	}
	if r := sum % 11; r >= 2 {
		return strconv.Itoa(11 - r)
	}
	return "0"
}

func threeDigits(n int) string { return strconv.Itoa(1000 + n%1000)[1:] }
