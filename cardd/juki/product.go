package juki

import "slices"

// Product is a variant of the card.
type Product string

// The four products.
const (
	ProductStandard Product = "standard"  // 15 and older
	ProductUnder15  Product = "under15"   // under 15 on the day of issue: no 署名用
	ProductInfant   Product = "infant"    // under 1 on the day of application: no photograph, no 署名用
	ProductFace     Product = "face-auth" // 顔認証マイナンバーカード: no holder PINs, no 署名用
)

// Products are the four in the order above.
var Products = []Product{ProductStandard, ProductUnder15, ProductInfant, ProductFace}

// infantSince is the first day of application for the card without a photograph
// (rules fact sheet, 3.5). Before, an infant got the under-15 card.
var infantSince = Date{2024, 12, 2}

const (
	ageSignature = 15 // years on the day of issue, from which 署名用 is issued
	ageInfant    = 1  // years on the day of application, under which the card has no photograph
)

// Eligibility is what a card for one person carries.
type Eligibility struct {
	Product            Product
	Photo              bool       // a photograph is required
	PhotoForbidden     bool       // a photograph must not be there
	SignatureCert      bool       // the 署名用 certificate is wanted and allowed
	AuthenticationCert bool       // the 利用者証明用 certificate is wanted and allowed
	PINs               []PINClass // the PINs the holder sets, in the order of PINClasses; none for face-auth
}

// CheckEligibility decides what a card may carry. applied is the day J-LIS
// accepted the application (申請受付日), issued the day the card is made (発行日).
// A wish that age or product forbids is an error; opting out of a certificate
// takes its PIN class away. The product must be the one that age demands, or
// face-auth, which is open to everybody whose card has a photograph.
//
// Ages change on the birthday, as the published infant rule counts ("until the
// day before the first birthday"); for 15 the point is not published, and the
// same count is ours.
func CheckEligibility(product Product, birth, applied, issued Date, wantSignature, wantAuthentication bool) (Eligibility, error) {
	if !slices.Contains(Products, product) {
		return Eligibility{}, refuse("JUKI-PRODUCT-UNKNOWN", "product")
	}
	if err := checkDays(birth, applied, issued); err != nil {
		return Eligibility{}, err
	}
	byAge := productByAge(birth, applied, issued)
	if err := checkProduct(product, byAge); err != nil {
		return Eligibility{}, err
	}
	if err := checkSignatureWish(product, byAge, wantSignature); err != nil {
		return Eligibility{}, err
	}
	e := Eligibility{
		Product: product, Photo: product != ProductInfant, PhotoForbidden: product == ProductInfant,
		SignatureCert: wantSignature, AuthenticationCert: wantAuthentication,
	}
	e.PINs = e.pins()
	return e, nil
}

// ProductFor is the product that age demands of someone who does not want
// face-auth.
func ProductFor(birth, applied, issued Date) (Product, error) {
	if err := checkDays(birth, applied, issued); err != nil {
		return "", err
	}
	return productByAge(birth, applied, issued), nil
}

// CheckPhoto compares whether a photograph was handed in with what the product
// wants. The picture itself is judged elsewhere.
func (e Eligibility) CheckPhoto(present bool) error {
	switch {
	case e.Photo && !present:
		return refuse("JUKI-PHOTO-MISSING", "photo")
	case e.PhotoForbidden && present:
		return refuse("JUKI-PHOTO-FORBIDDEN", "photo")
	default:
		return nil
	}
}

// pins are the classes a card has: none for face-auth; a certificate's class only
// with the certificate; the other two always.
func (e Eligibility) pins() []PINClass {
	if e.Product == ProductFace {
		return nil
	}
	with := map[PINClass]bool{PINSignature: e.SignatureCert, PINAuthentication: e.AuthenticationCert}
	var classes []PINClass
	for _, rule := range pinRules {
		if rule.Always || with[rule.Class] {
			classes = append(classes, rule.Class)
		}
	}
	return classes
}

// productByAge is the product that age demands.
func productByAge(birth, applied, issued Date) Product {
	switch {
	case Age(birth, applied) < ageInfant && !applied.Before(infantSince):
		return ProductInfant
	case Age(birth, issued) < ageSignature:
		return ProductUnder15
	default:
		return ProductStandard
	}
}

// checkProduct refuses a product that age does not give.
func checkProduct(product, byAge Product) error {
	const field = "product"
	switch {
	case product == byAge, product == ProductFace && byAge != ProductInfant:
		return nil
	case product == ProductFace:
		return refuse("JUKI-PRODUCT-FACE-INFANT", field)
	case byAge == ProductInfant:
		return refuse("JUKI-PRODUCT-AGE-INFANT", field)
	case byAge == ProductUnder15:
		return refuse("JUKI-PRODUCT-AGE-UNDER15", field)
	default:
		return refuse("JUKI-PRODUCT-AGE-STANDARD", field)
	}
}

// checkSignatureWish refuses 署名用 where age or product forbids it.
func checkSignatureWish(product, byAge Product, want bool) error {
	const field = "signature_certificate"
	switch {
	case !want:
		return nil
	case byAge == ProductInfant:
		return refuse("JUKI-SIGNATURE-INFANT", field)
	case byAge == ProductUnder15:
		return refuse("JUKI-SIGNATURE-UNDER15", field)
	case product == ProductFace:
		return refuse("JUKI-SIGNATURE-FACE", field)
	default:
		return nil
	}
}

// checkDays wants a birth date fully known and three dates in their order.
func checkDays(birth, applied, issued Date) error {
	if err := checkBirth(birth); err != nil {
		return err
	}
	if err := checkCalendar(applied, "applied"); err != nil {
		return err
	}
	if err := checkCalendar(issued, "issued"); err != nil {
		return err
	}
	switch {
	case birth.After(applied):
		return refuse("JUKI-BIRTH-FUTURE", "birth")
	case issued.Before(applied):
		return refuse("JUKI-ISSUED-BEFORE-APPLIED", "issued")
	default:
		return nil
	}
}

// checkBirth accepts a birth date whose every part is known and that the
// Japanese calendar can place.
func checkBirth(birth Date) error {
	switch {
	case birth.completeBirth():
		_, _, err := EraOf(birth)
		return Rename(err, "birth")
	case birth.partial():
		return refuse("JUKI-BIRTH-UNKNOWN", "birth")
	default:
		return refuse("JUKI-BIRTH-IMPOSSIBLE", "birth")
	}
}

// checkCalendar accepts a day that the calendar has.
func checkCalendar(d Date, field string) error {
	if !d.Valid() {
		return refuse("JUKI-DATE-IMPOSSIBLE", field)
	}
	return nil
}
