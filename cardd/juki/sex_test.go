package juki

import "testing"

func TestSex(t *testing.T) {
	tests := []struct {
		sex                         Sex
		code, certificate, japanese string
	}{
		{Male, "1", "1", "男"},
		{Female, "2", "2", "女"},
		{SexNotApplicable, "9", "3", "適用不能"},
		{SexUnknown, "0", "3", "不明"},
	}
	for _, tt := range tests {
		t.Run(string(tt.sex), func(t *testing.T) {
			if tt.sex.Code() != tt.code || tt.sex.Japanese() != tt.japanese || tt.sex.CertificateCode() != tt.certificate {
				t.Errorf("%s %s %s", tt.sex.Code(), tt.sex.Japanese(), tt.sex.CertificateCode())
			}
			for _, s := range []string{string(tt.sex), tt.japanese, tt.sex.String()} {
				if got, err := ParseSex(s); err != nil || got != tt.sex {
					t.Errorf("ParseSex(%q) = %v, %v", s, got, err)
				}
			}
			if got, err := SexOfCode(tt.code); err != nil || got != tt.sex {
				t.Errorf("SexOfCode(%q) = %v, %v", tt.code, got, err)
			}
		})
	}
}

func TestSexRefused(t *testing.T) {
	for _, s := range []string{"", "1", "Male", "male ", "男性", "other"} {
		t.Run(s, func(t *testing.T) {
			_, err := ParseSex(s)
			wantCode(t, err, "JUKI-SEX-UNKNOWN")
		})
	}
	for _, s := range []string{"", "3", "male", "11"} {
		t.Run("code "+s, func(t *testing.T) {
			_, err := SexOfCode(s)
			wantCode(t, err, "JUKI-SEX-UNKNOWN")
		})
	}
	if got := Sex("nonsense"); got.Code() != "0" || got.String() != "unknown" {
		t.Errorf("an undefined sex is %s %s", got.Code(), got)
	}
}
