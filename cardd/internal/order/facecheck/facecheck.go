// Package facecheck answers an order's questions about its photograph and texts
// with what package face can decode and print. It stands apart from the reading of
// orders so that a program that only sends orders needs no fonts.
package facecheck

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"jukicard/cardd/internal/order"
	"jukicard/cardd/juki"
	"jukicard/printer/face"
)

// Printer says whether a text can be printed exactly; *face.Fonts is one.
type Printer interface {
	Check(field, text string) error
}

// Checks judges photographs by face.DecodePhoto and texts by what fonts can print
// exactly. Its errors are *juki.InputError with the codes of Codes; they quote no
// text, only the place of a character.
func Checks(fonts Printer) order.Checks {
	return order.Checks{
		Photo: Photo,
		Text:  func(field, text string) error { return glyphs(field, fonts.Check(field, text)) },
	}
}

// rule is a code with what it says: English remedy and Japanese rule and remedy.
// The English rule is the photograph rule itself.
type rule struct{ code, remedy, ja string }

var photoRules = map[face.PhotoRule]rule{
	face.PhotoNotPicture: {"ORDER-PHOTO-FORMAT", "save the photograph as JPEG",
		"JPEGまたはPNGの画像ではありません。JPEGで保存してください。"},
	face.PhotoTruncated: {"ORDER-PHOTO-DAMAGED", "send the file again",
		"画像が途中で切れているか壊れています。もう一度送ってください。"},
	face.PhotoTooSmall: {"ORDER-PHOTO-SMALL", "take or scan the photograph at a higher resolution",
		"縦横480画素以上、20KB以上が必要です。解像度を上げて撮り直してください。"},
	face.PhotoTooLarge: {"ORDER-PHOTO-LARGE", "reduce the photograph",
		"縦横6000画素以下、7MB以下です。小さくしてください。"},
	face.PhotoColour: {"ORDER-PHOTO-COLOUR", "save the photograph as an RGB JPEG",
		"RGBまたはグレースケール(各8ビット)の画像が必要です。RGBのJPEGで保存してください。"},
	face.PhotoTooComplex: {"ORDER-PHOTO-COMPLEX", "save the photograph as a baseline JPEG",
		"画像の走査数が多すぎます。ベースラインJPEGで保存してください。"},
}

// Photo accepts what face.DecodePhoto can decode.
func Photo(image []byte) error {
	_, err := face.DecodePhoto(image)
	if err == nil {
		return nil
	}
	broken := face.PhotoNotPicture
	var refused *face.PhotoError
	if errors.As(err, &refused) {
		broken = refused.Rule
	}
	r, ok := photoRules[broken]
	if !ok {
		return err // a rule without a code here: refused all the same, in general words
	}
	return order.Refusal(r.code, "photo", string(broken), r.remedy, r.ja)
}

// CodeGlyph is the code of a character that cannot be printed exactly.
const CodeGlyph = "ORDER-TEXT-GLYPH"

// glyphs turns the fonts' refusal into a problem of the order; nil stays nil.
func glyphs(field string, err error) error {
	var g *face.GlyphError
	if !errors.As(err, &g) {
		return err
	}
	return order.Refusal(CodeGlyph, field,
		fmt.Sprintf("every character can be printed exactly, but character %d cannot: %s", g.Index, g.Reason),
		"have the resident register give a character or variation that a loaded font has, or load such a font",
		fmt.Sprintf("%d文字目を正確に印字できません。フォントにある文字または異体字を住民記録で確認するか、フォントを追加してください。", g.Index))
}

// Handbook lists the codes of this package with rule, remedy and the Japanese
// text, as a handbook prints them.
func Handbook() []juki.InputError {
	list := []juki.InputError{{
		Code: CodeGlyph, Rule: "every character can be printed exactly",
		Remedy: "have the resident register give a character or variation that a loaded font has, or load such a font",
		Ja:     "文字を正確に印字できません。フォントにある文字または異体字を住民記録で確認するか、フォントを追加してください。",
	}}
	for broken, r := range photoRules {
		list = append(list, juki.InputError{Code: r.code, Rule: string(broken), Remedy: r.remedy, Ja: r.ja})
	}
	slices.SortFunc(list, func(a, b juki.InputError) int { return strings.Compare(a.Code, b.Code) })
	return list
}
