package juki

// Sex is 性別 as the register and JIS X 0303 distinguish it.
type Sex string

// The four values of JIS X 0303.
const (
	Male             Sex = "male"           // 男
	Female           Sex = "female"         // 女
	SexNotApplicable Sex = "not-applicable" // 適用不能
	SexUnknown       Sex = "unknown"        // 不明
)

// sexInfo is one value; japanese stands on the card face.
type sexInfo struct {
	sex         Sex
	code        string // JIS X 0303; the 入力補助AP and 券面AP hold it as one ASCII digit
	certificate string // JPKI certificate profile, which knows 1, 2 and 3
	japanese    string
}

var sexes = [...]sexInfo{
	{Male, "1", "1", "男"},
	{Female, "2", "2", "女"},
	{SexNotApplicable, "9", "3", "適用不能"},
	{SexUnknown, "0", "3", "不明"},
}

// ParseSex reads "male", "female", "not-applicable", "unknown" or the Japanese
// word of the register (男, 女, 適用不能, 不明).
func ParseSex(s string) (Sex, error) {
	for _, i := range sexes {
		if s == string(i.sex) || s == i.japanese {
			return i.sex, nil
		}
	}
	return "", refuse("JUKI-SEX-UNKNOWN", "sex")
}

// SexOfCode is the value of a JIS X 0303 digit, as a chip holds it.
func SexOfCode(code string) (Sex, error) {
	for _, i := range sexes {
		if code == i.code {
			return i.sex, nil
		}
	}
	return "", refuse("JUKI-SEX-UNKNOWN", "sex")
}

// info is the row of s; an undefined value counts as unknown.
func (s Sex) info() sexInfo {
	for _, i := range sexes {
		if s == i.sex {
			return i
		}
	}
	return sexes[len(sexes)-1]
}

// Code is the digit of JIS X 0303: "1" male, "2" female, "9" not applicable, "0" unknown.
func (s Sex) Code() string { return s.info().code }

// CertificateCode is the digit as the JPKI certificate profile lists it: "1", "2",
// and "3" for 不明. Public readers of certificates describe the field as JIS X 0303
// instead; the two agree on men and women, and no certificate with another value
// has been seen. Not applicable as "3" is ours.
func (s Sex) CertificateCode() string { return s.info().certificate }

// Japanese is the word of the register and the card face: "男", "女", "適用不能", "不明".
func (s Sex) Japanese() string { return s.info().japanese }

// String is the English word, "unknown" for an undefined value.
func (s Sex) String() string { return string(s.info().sex) }
