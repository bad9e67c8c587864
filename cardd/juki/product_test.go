package juki

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestCheckEligibilityAllowed(t *testing.T) {
	day := Date{2026, 4, 1}
	all := PINClasses
	tests := []struct {
		name              string
		product           Product
		birth             Date
		applied, issued   Date
		signature, auth   bool
		photo             bool
		wantPINs          []PINClass
		wantSign, wantAut bool
	}{
		{"adult", ProductStandard, Date{1980, 2, 17}, day, day, true, true, true, all, true, true},
		{"adult without certificates", ProductStandard, Date{1980, 2, 17}, day, day, false, false, true, all[2:], false, false},
		{"adult without authentication", ProductStandard, Date{1980, 2, 17}, day, day, true, false, true, []PINClass{PINSignature, PINResident, PINText}, true, false},
		{"adult without signature", ProductStandard, Date{1980, 2, 17}, day, day, false, true, true, all[1:], false, true},
		{"fifteenth birthday is the day of issue", ProductStandard, Date{2011, 4, 1}, day, day, true, true, true, all, true, true},
		{"fifteen only at issue", ProductStandard, Date{2011, 4, 1}, Date{2026, 3, 1}, day, true, true, true, all, true, true},
		{"day before the fifteenth birthday", ProductUnder15, Date{2011, 4, 2}, day, day, false, true, true, all[1:], false, true},
		{"child without certificate", ProductUnder15, Date{2015, 6, 1}, day, day, false, false, true, all[2:], false, false},
		{"first birthday is the day of application", ProductUnder15, Date{2025, 4, 1}, day, day, false, true, true, all[1:], false, true},
		{"day before the first birthday", ProductInfant, Date{2025, 4, 2}, day, day, false, true, false, all[1:], false, true},
		{"newborn", ProductInfant, day, day, day, false, true, false, all[1:], false, true},
		{"infant at application, one at issue", ProductInfant, Date{2025, 4, 2}, day, Date{2026, 5, 1}, false, true, false, all[1:], false, true},
		{"infant without certificate", ProductInfant, Date{2026, 1, 1}, day, day, false, false, false, all[2:], false, false},
		{"infant before the product existed", ProductUnder15, Date{2024, 6, 1}, Date{2024, 12, 1}, Date{2024, 12, 20}, false, true, true, all[1:], false, true},
		{"infant on the product's first day", ProductInfant, Date{2024, 6, 1}, Date{2024, 12, 2}, Date{2024, 12, 20}, false, true, false, all[1:], false, true},
		{"face-auth adult", ProductFace, Date{1940, 2, 17}, day, day, false, true, true, nil, false, true},
		{"face-auth child", ProductFace, Date{2015, 2, 17}, day, day, false, true, true, nil, false, true},
		{"born on 29 February, 15 on the 28th", ProductStandard, Date{2008, 2, 29}, Date{2023, 2, 28}, Date{2023, 2, 28}, true, true, true, all, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := CheckEligibility(tt.product, tt.birth, tt.applied, tt.issued, tt.signature, tt.auth)
			if err != nil {
				t.Fatal(err)
			}
			if got.Product != tt.product || got.Photo != tt.photo || got.PhotoForbidden == tt.photo {
				t.Errorf("product %s, photo %t, forbidden %t", got.Product, got.Photo, got.PhotoForbidden)
			}
			if !slices.Equal(got.PINs, tt.wantPINs) || got.SignatureCert != tt.wantSign || got.AuthenticationCert != tt.wantAut {
				t.Errorf("PINs %v, signature %t, authentication %t", got.PINs, got.SignatureCert, got.AuthenticationCert)
			}
		})
	}
}

func TestCheckEligibilityRefused(t *testing.T) {
	day := Date{2026, 4, 1}
	adult, child, infant := Date{1980, 2, 17}, Date{2015, 2, 17}, Date{2026, 1, 17}
	tests := []struct {
		name            string
		product         Product
		birth           Date
		applied, issued Date
		signature       bool
		field, code     string
	}{
		{"no such product", "gold", adult, day, day, false, "product", "JUKI-PRODUCT-UNKNOWN"},
		{"no product", "", adult, day, day, false, "product", "JUKI-PRODUCT-UNKNOWN"},
		{"standard for an infant", ProductStandard, infant, day, day, false, "product", "JUKI-PRODUCT-AGE-INFANT"},
		{"under15 for an infant", ProductUnder15, infant, day, day, false, "product", "JUKI-PRODUCT-AGE-INFANT"},
		{"face-auth for an infant", ProductFace, infant, day, day, false, "product", "JUKI-PRODUCT-FACE-INFANT"},
		{"standard for a child", ProductStandard, child, day, day, false, "product", "JUKI-PRODUCT-AGE-UNDER15"},
		{"infant for a child", ProductInfant, child, day, day, false, "product", "JUKI-PRODUCT-AGE-UNDER15"},
		{"infant for an adult", ProductInfant, adult, day, day, false, "product", "JUKI-PRODUCT-AGE-STANDARD"},
		{"under15 for an adult", ProductUnder15, adult, day, day, false, "product", "JUKI-PRODUCT-AGE-STANDARD"},
		{"under15 on the fifteenth birthday", ProductUnder15, Date{2011, 4, 1}, day, day, false, "product", "JUKI-PRODUCT-AGE-STANDARD"},
		{"standard the day before", ProductStandard, Date{2011, 4, 2}, day, day, true, "product", "JUKI-PRODUCT-AGE-UNDER15"},
		{"infant on the first birthday", ProductInfant, Date{2025, 4, 1}, day, day, false, "product", "JUKI-PRODUCT-AGE-UNDER15"},
		{"infant before the product existed", ProductInfant, Date{2024, 6, 1}, Date{2024, 12, 1}, Date{2024, 12, 20}, false, "product", "JUKI-PRODUCT-AGE-UNDER15"},
		{"signature for a child", ProductUnder15, child, day, day, true, "signature_certificate", "JUKI-SIGNATURE-UNDER15"},
		{"signature for an infant", ProductInfant, infant, day, day, true, "signature_certificate", "JUKI-SIGNATURE-INFANT"},
		{"signature on face-auth", ProductFace, adult, day, day, true, "signature_certificate", "JUKI-SIGNATURE-FACE"},
		{"signature on a child's face-auth", ProductFace, child, day, day, true, "signature_certificate", "JUKI-SIGNATURE-UNDER15"},
		{"birthday unknown", ProductStandard, Date{1980, 2, 0}, day, day, false, "birth", "JUKI-BIRTH-UNKNOWN"},
		{"birth missing", ProductStandard, Date{}, day, day, false, "birth", "JUKI-BIRTH-UNKNOWN"},
		{"birth impossible", ProductStandard, Date{1980, 2, 30}, day, day, false, "birth", "JUKI-BIRTH-IMPOSSIBLE"},
		{"birth before the calendar", ProductStandard, Date{1870, 1, 1}, day, day, false, "birth", "JUKI-ERA-BEFORE"},
		{"born after application", ProductInfant, Date{2026, 4, 2}, day, Date{2026, 4, 5}, false, "birth", "JUKI-BIRTH-FUTURE"},
		{"issued before application", ProductStandard, adult, day, Date{2026, 3, 31}, false, "issued", "JUKI-ISSUED-BEFORE-APPLIED"},
		{"application impossible", ProductStandard, adult, Date{2026, 2, 29}, day, false, "applied", "JUKI-DATE-IMPOSSIBLE"},
		{"issue missing", ProductStandard, adult, day, Date{}, false, "issued", "JUKI-DATE-IMPOSSIBLE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := CheckEligibility(tt.product, tt.birth, tt.applied, tt.issued, tt.signature, true)
			wantCode(t, err, tt.code, tt.birth.String())
			var input *InputError
			if !errors.As(err, &input) || input.Field != tt.field {
				t.Errorf("error = %v, want field %s", err, tt.field)
			}
			if got.Product != "" || got.PINs != nil {
				t.Errorf("an error came with %+v", got)
			}
		})
	}
}

func TestCheckPhoto(t *testing.T) {
	tests := []struct {
		name    string
		e       Eligibility
		present bool
		code    string
	}{
		{"given where wanted", Eligibility{Photo: true}, true, ""},
		{"missing", Eligibility{Photo: true}, false, "JUKI-PHOTO-MISSING"},
		{"none where forbidden", Eligibility{PhotoForbidden: true}, false, ""},
		{"given where forbidden", Eligibility{PhotoForbidden: true}, true, "JUKI-PHOTO-FORBIDDEN"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantCode(t, tt.e.CheckPhoto(tt.present), tt.code) })
	}
}

// Of the three products that age decides, exactly one is accepted for anybody,
// and it is the one ProductFor names; face-auth goes with every photograph.
func TestExactlyOneProductByAge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		applied := Date{2023, 1, 1}.AddDays(rapid.IntRange(0, 1500).Draw(t, "applied"))
		birth := applied.AddDays(-rapid.OneOf(rapid.IntRange(0, 800), rapid.IntRange(5000, 6000), rapid.IntRange(0, 40_000)).Draw(t, "age"))
		issued := applied.AddDays(rapid.IntRange(0, 60).Draw(t, "lag"))
		var accepted []Product
		for _, p := range Products[:3] {
			if _, err := CheckEligibility(p, birth, applied, issued, false, true); err == nil {
				accepted = append(accepted, p)
			}
		}
		want, err := ProductFor(birth, applied, issued)
		if err != nil || !slices.Equal(accepted, []Product{want}) {
			t.Fatalf("accepted %v, want %v, %v", accepted, want, err)
		}
		_, faceErr := CheckEligibility(ProductFace, birth, applied, issued, false, true)
		if (faceErr == nil) != (want != ProductInfant) {
			t.Fatalf("face-auth for %s: %v", want, faceErr)
		}
		_, signErr := CheckEligibility(want, birth, applied, issued, true, true)
		if (signErr == nil) != (want == ProductStandard) {
			t.Fatalf("signature on %s: %v", want, signErr)
		}
	})
}

func TestProductForRefused(t *testing.T) {
	_, err := ProductFor(Date{}, Date{2026, 4, 1}, Date{2026, 4, 1})
	wantCode(t, err, "JUKI-BIRTH-UNKNOWN")
}
