package people

import "time"

// character is one person before dates and numbers are filled in.
type character struct {
	name, about  string
	profile      string // generation of card; empty for that of today
	product      string
	birth        func(day time.Time) string
	resident     resident
	stay         bool // a period of stay that ends two years on
	renews       bool // renews a card that expires in forty days
	certificates certificates
	substitutes  *substitutes
	look         *look // nil: no photograph
	pins         pins
}

// pins is pins.json; a class that the card does not have is left out.
type pins struct {
	Signature      string `json:"signature,omitempty"`
	Authentication string `json:"authentication,omitempty"`
	Resident       string `json:"resident,omitempty"`
	Text           string `json:"text,omitempty"`
}

var (
	both = certificates{Signature: true, Authentication: true}
	auth = certificates{Authentication: true}
)

const address = "架空県架空市見本町１－２－３"

// born is a fixed birthday, for people who only grow older.
func born(day string) func(time.Time) string { return func(time.Time) string { return day } }

// ago is a birthday so many years and days before the day of issue.
func ago(years, days int) func(time.Time) string {
	return func(day time.Time) string { return date(day.AddDate(-years, 0, -days)) }
}

// roster is everybody. A new person goes to the end, for numbers follow places.
var roster = []character{
	{
		name: "adult", about: "山田 太郎, an adult with both certificates and all four PINs",
		product: "standard", birth: born("1980-02-17"), certificates: both,
		resident: resident{Name: "山田　太郎", Address: address, Sex: "male"},
		look:     &look{skin: rgb{236, 196, 160}, hair: rgb{34, 28, 26}, shirt: rgb{44, 62, 110}, ground: rgb{226, 234, 242}},
		pins:     pins{"K7Q2M9X4", "7391", "4826", "1957"},
	},
	{
		name: "under15", about: "山田 花子, ten years old: no signature certificate",
		product: "under15", birth: ago(10, 40), certificates: auth,
		resident: resident{Name: "山田　花子", Address: address, Sex: "female"},
		look:     &look{skin: rgb{244, 208, 176}, hair: rgb{62, 40, 28}, shirt: rgb{216, 92, 110}, ground: rgb{240, 236, 226}, long: true},
		pins:     pins{"", "6402", "8153", "2794"},
	},
	{
		name: "infant", about: "山田 次郎, five months old: no photograph, no signature certificate",
		product: "infant", birth: ago(0, 150), certificates: auth,
		resident: resident{Name: "山田　次郎", Address: address, Sex: "male"},
		pins:     pins{"", "5068", "9317", "3820"},
	},
	{
		name: "foreigner", about: "a foreign resident with an alphabetic name, a 通称 and a period of stay",
		product: "standard", birth: born("1992-11-05"), certificates: both, stay: true,
		resident: resident{Name: "SAMPLE ALEX MARIA", CommonName: "見本　アレックス", Address: "架空県架空市港町４－５－６　見本荘２０１", Sex: "female", Nationality: "foreign"},
		look:     &look{skin: rgb{226, 178, 150}, hair: rgb{172, 112, 52}, shirt: rgb{60, 130, 96}, ground: rgb{228, 228, 236}, long: true, glasses: true},
		pins:     pins{"ALEX92P7QT", "2856", "7140", "6093"},
	},
	{
		name: "permanent", about: "a permanent resident (永住者), treated as Japanese for validity",
		product: "standard", birth: born("1975-07-30"), certificates: both,
		resident: resident{Name: "KAKUU SAMUEL", Address: "架空県架空市港町７－８", Sex: "male", Nationality: "foreign"},
		look:     &look{skin: rgb{150, 102, 72}, hair: rgb{24, 20, 20}, shirt: rgb{238, 238, 238}, ground: rgb{214, 226, 222}, glasses: true},
		pins:     pins{"SAM4UEL8", "9274", "3861", "5507"},
	},
	{
		// Both 邉 with U+E010F and 葛 with U+E0102 are in the Moji_Joho collection and in
		// IPAmj Mincho 005.01; 𠮷 is outside the certificates' characters (JIS X 0208 and
		// X 0212) and outside the first plane.
		name: "ivs", about: "𠮷邉󠄏 葛󠄂子, whose name needs variation selectors, with 代替文字 for the certificates",
		product: "standard", birth: born("1968-12-01"), certificates: both,
		resident:    resident{Name: "𠮷邉\U000E010F　葛\U000E0102子", FormerName: "髙見本", Address: "架空県架空市葛\U000E0102葉町９－１０", Sex: "female"},
		substitutes: &substitutes{"吉邉　葛子", "11010", "架空県架空市葛葉町９－１０", "0000001000000"},
		look:        &look{skin: rgb{238, 200, 168}, hair: rgb{48, 36, 34}, shirt: rgb{112, 70, 120}, ground: rgb{238, 230, 224}, long: true},
		pins:        pins{"YOSHI68B", "1683", "5729", "8046"},
	},
	{
		name: "longaddress", about: "an address of many characters with 方書",
		product: "standard", birth: born("1999-08-21"), certificates: both,
		resident: resident{Name: "見本　長子", Address: "架空県架空市大字東架空台字見本ケ丘三丁目１２番地の３４　架空グランドハイツ見本壱番館南棟アネックス１２３４号室　山田方", Sex: "female"},
		look:     &look{skin: rgb{242, 204, 174}, hair: rgb{92, 58, 36}, shirt: rgb{240, 196, 84}, ground: rgb{224, 236, 240}, long: true},
		pins:     pins{"NAGA99IE2", "4185", "6270", "9538"},
	},
	{
		name: "face-auth", about: "a face-authentication card (顔認証): no holder PINs, no signature certificate",
		product: "face-auth", birth: born("1948-03-09"), certificates: auth,
		resident: resident{Name: "見本　和子", Address: address, Sex: "female"},
		look:     &look{skin: rgb{232, 196, 170}, hair: rgb{176, 174, 176}, shirt: rgb{96, 120, 150}, ground: rgb{232, 232, 232}, glasses: true},
	},
	{
		name: "opted-out", about: "an adult who wants no certificates: two PINs",
		product: "standard", birth: born("1987-06-15"),
		resident: resident{Name: "見本　不要", Address: address, Sex: "male"},
		look:     &look{skin: rgb{216, 170, 132}, hair: rgb{40, 34, 32}, shirt: rgb{120, 44, 48}, ground: rgb{234, 240, 228}},
		pins:     pins{"", "", "7048", "2619"},
	},
	{
		name: "elderly", about: "born in 昭和6年, with a grey photograph",
		product: "standard", birth: born("1931-05-03"), certificates: both,
		resident: resident{Name: "見本　昭", Address: address, Sex: "male"},
		look:     &look{skin: rgb{214, 214, 214}, hair: rgb{224, 224, 224}, shirt: rgb{70, 70, 70}, ground: rgb{188, 188, 188}, glasses: true, grey: true},
		pins:     pins{"SHOWA6XK", "3519", "8602", "4937"},
	},
	{
		name: "leapday", about: "born on 29 February",
		product: "standard", birth: born("1988-02-29"), certificates: both,
		resident: resident{Name: "閏　見本", Address: address, Sex: "female"},
		look:     &look{skin: rgb{240, 202, 170}, hair: rgb{28, 24, 28}, shirt: rgb{58, 140, 160}, ground: rgb{242, 238, 232}, long: true},
		pins:     pins{"LEAP29F8", "8237", "1904", "6571"},
	},
	{
		name: "longname", about: "a name of many characters",
		product: "standard", birth: born("1995-01-31"), certificates: both,
		resident: resident{Name: "寿限無寿限無　五劫擦切海砂利水魚水行末雲来末", Address: address, Sex: "male"},
		look:     &look{skin: rgb{228, 186, 150}, hair: rgb{52, 38, 30}, shirt: rgb{30, 96, 70}, ground: rgb{230, 226, 240}},
		pins:     pins{"JUGEMU53", "5902", "2438", "7716"},
	},
	{
		name: "renewal", about: "an adult who renews a card in its last three months: one birthday more",
		product: "standard", birth: born("1990-10-10"), certificates: both, renews: true,
		resident: resident{Name: "見本　更新", FormerName: "旧見本", Address: address, Sex: "male"},
		look:     &look{skin: rgb{234, 190, 156}, hair: rgb{30, 26, 24}, shirt: rgb{90, 90, 96}, ground: rgb{220, 232, 226}, glasses: true},
		pins:     pins{"RENEW10Q", "6845", "3172", "9460"},
	},
}
