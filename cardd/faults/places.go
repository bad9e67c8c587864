package faults

import (
	"strings"

	"jukicard/apdu/tlv"
)

// places are where things stand on a card of one generation, as the judge knows them. They
// are written here a second time: what the daemon reads in a profile it may read wrongly.
type places struct {
	number, code, manufacture string   // 個人番号, 住民票コード, the record that tells the card's number
	basic, reference          string   // the file with the sealed 照合番号, and where that is set
	texts                     []inside // what the form says in so many words
	seals                     []seal
}

// inside is an object in a file and what of the person it tells.
type inside struct {
	path string
	tag  tlv.Tag
	what func(f *form) string
}

// seal is a signature behind the objects that it is over.
type seal struct {
	path, certificate string
	signature         tlv.Tag
}

// placesOf is by profile.
var placesOf = map[string]places{
	"mynumber-1": {
		number: "text/number", code: "resident/code", manufacture: "common/manufacture",
		basic: "surface/basic", reference: "surface/reference-b",
		texts: []inside{
			{"text/attributes", 0xDF22, nameOf}, {"text/attributes", 0xDF23, addressOf}, {"text/attributes", 0xDF24, birthOf},
			{"surface/birth", 0xDF11, birthOf}, {"surface/face", 0xDF22, birthOf},
		},
		seals: []seal{
			{"surface/birth", "surface/cv-cert", 0xDF13}, {"surface/number", "surface/cv-cert", 0xDF43},
			{"text/signature", "text/cv-cert", 0xDF33}, {"text/card-key-cert", "text/cv-cert", 0xDF52},
		},
	},
	"mynumber-2-draft": {
		number: "jpki/number", code: "jpki/code", manufacture: "surface/manufacture",
		basic: "surface/basic", reference: "surface/reference",
		texts: []inside{
			{"jpki/attributes", 0xDF22, nameOf}, {"jpki/attributes", 0xDF23, addressOf}, {"jpki/attributes", 0xDF24, birthOf},
			{"surface/face", 0xDF22, birthOf},
		},
		seals: []seal{{"surface/number", "surface/cv-cert", 0xDF43}, {"jpki/signature", "jpki/cv-cert", 0xDF33}},
	},
}

func nameOf(f *form) string    { return f.Resident.Name }
func addressOf(f *form) string { return f.Resident.Address }
func birthOf(f *form) string   { return strings.ReplaceAll(f.Resident.Birth, "-", "") }
