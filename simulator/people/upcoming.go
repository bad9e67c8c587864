package people

// placeUpcoming is the place, from which numbers follow, of the first of upcoming: behind
// whoever may yet join the roster.
const placeUpcoming = 500

const nextCard = "mynumber-2-draft"

// upcoming are people who order the next card: one of each product, and one without
// certificates. They set two PINs where those of today set four. Their birthdays are behind
// them, for a certificate until the tenth must end before the CA that is made today.
var upcoming = []character{
	{
		name: "next-adult", about: "次期 太郎, an adult who orders the draft of the next card",
		profile: nextCard, product: "standard", birth: ago(42, 100), certificates: both,
		resident: resident{Name: "次期　太郎", NameRomaji: "JIKI TARO", NameKana: "ジキ　タロウ", Address: address, Sex: "male"},
		look:     &look{skin: rgb{230, 188, 152}, hair: rgb{30, 26, 30}, shirt: rgb{70, 96, 60}, ground: rgb{230, 236, 240}},
		pins:     pins{Signature: "N3XTC4RD", Authentication: "8264"},
	},
	{
		name: "next-under15", about: "次期 花子, ten years old, orders the draft of the next card",
		profile: nextCard, product: "under15", birth: ago(10, 40), certificates: auth,
		resident: resident{Name: "次期　花子", NameRomaji: "JIKI HANAKO", NameKana: "ジキ　ハナコ", Address: address, Sex: "female"},
		look:     &look{skin: rgb{242, 206, 174}, hair: rgb{58, 36, 30}, shirt: rgb{196, 110, 60}, ground: rgb{238, 236, 228}, long: true},
		pins:     pins{Authentication: "3917"},
	},
	{
		name: "next-infant", about: "次期 次郎, five months old: the draft of the next card, no photograph",
		profile: nextCard, product: "infant", birth: ago(0, 150), certificates: auth,
		resident: resident{Name: "次期　次郎", NameRomaji: "JIKI JIRO", NameKana: "ジキ　ジロウ", Address: address, Sex: "male"},
		pins:     pins{Authentication: "6058"},
	},
	{
		name: "next-face-auth", about: "the draft of the next card as a face-authentication card: no holder PINs",
		profile: nextCard, product: "face-auth", birth: ago(76, 100), certificates: auth,
		resident: resident{Name: "次期　和子", NameRomaji: "JIKI KAZUKO", NameKana: "ジキ　カズコ", Address: address, Sex: "female"},
		look:     &look{skin: rgb{234, 198, 172}, hair: rgb{182, 180, 180}, shirt: rgb{90, 116, 142}, ground: rgb{232, 232, 234}, glasses: true},
	},
	{
		name: "next-opted-out", about: "an adult who wants the next card without certificates: one PIN",
		profile: nextCard, product: "standard", birth: born("1989-01-27"),
		resident: resident{Name: "次期　不要", NameRomaji: "JIKI FUYO", NameKana: "ジキ　フヨウ", Address: address, Sex: "male"},
		look:     &look{skin: rgb{218, 172, 134}, hair: rgb{44, 38, 34}, shirt: rgb{110, 50, 60}, ground: rgb{236, 240, 230}},
		pins:     pins{Authentication: "2746"},
	},
}
