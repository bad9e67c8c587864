package facecheck

import (
	"fmt"

	"jukicard/apdu/secret"
	"jukicard/cardd/internal/order"
	"jukicard/cardd/juki"
	"jukicard/printer/face"
)

// Data is what an order puts on the card's face, in the words that are printed: the
// birth date of a Japanese in the Japanese era and of a foreigner in the Gregorian
// calendar, the last day of validity in the Gregorian (issuance rules fact sheet, 7),
// and 顔認証 in the 追記欄 of such a card (2.4). The card's own number is left empty.
// An error is *face.PhotoError or *juki.InputError and quotes nothing.
func Data(o *order.Order) (face.Data, error) {
	birth := o.Resident.Birth.Get()
	text, err := juki.WarekiText(birth)
	if err != nil {
		return face.Data{}, err
	}
	if o.Resident.Foreign.Get() {
		text = westernText(birth)
	}
	d := face.Data{
		Name: lent(o.Resident.Name), NameRomaji: lent(o.Resident.NameRomaji), NameKana: lent(o.Resident.NameKana), BirthWestern: westernText(birth), Address: lent(o.Resident.Address), BirthText: text,
		SexText: o.Resident.Sex.Get().Japanese(), MyNumber: lent(o.Resident.MyNumber),
		SecurityCode: lent(o.SecurityCode), ExpiryText: westernText(o.CardExpiry()) + "まで有効", Mayor: o.Municipality.Mayor,
	}
	if o.Product == juki.ProductFace {
		d.Remarks = []string{"顔認証"}
	}
	if o.Photo.Len() > 0 {
		err = o.Photo.Lend(func(b []byte) error {
			d.Photo, err = face.DecodePhoto(b)
			return err
		})
	}
	if err != nil {
		return face.Data{}, err
	}
	return d, nil
}

func westernText(d juki.Date) string {
	return fmt.Sprintf("%d年%d月%d日", d.Year, d.Month, d.Day)
}

// lent takes a copy of a secret as text, for what is printed anyway.
func lent(s secret.Bytes) string {
	var out string
	if err := s.Lend(func(b []byte) error { out = string(b); return nil }); err != nil {
		return ""
	}
	return out
}
