package order

import (
	"slices"
	"testing"
)

func TestSubstitutesStandForTheOriginal(t *testing.T) {
	rows := []struct {
		name, original, given, flags string
		want                         bool
	}{
		{"as it is", "山田　太郎", "山田　太郎", "00000", true},
		{"one changed", "髙橋", "高橋", "10", true},
		{"a selector left out", "葛\U000E0102子", "葛子", "10", true},
		{"a selector left out without a flag", "葛\U000E0102子", "葛子", "00", false},
		{"changed without a flag", "髙橋", "高橋", "00", false},
		{"a flag without change", "髙橋", "高橋", "11", false},
		{"another name", "山田", "山本", "00", false},
		{"kana for one", "𠮷田", "よし田", "110", true},
		{"kana for two side by side", "𠮷髙田", "よしたか田", "11110", true},
		{"kana at the end", "田𠮷", "田よし", "011", true},
		{"kana in two places", "𠮷田髙", "よし田たか", "11011", true},
		{"kana and another name", "𠮷田", "よし本", "110", false},
		{"kana without flags", "𠮷田", "よし田", "000", false},
		{"one left out", "山田太郎", "山田太", "000", false},
		{"one added", "山田", "山田太", "000", false},
		{"a run for more than it has", "山田", "山", "1", true},
		{"nothing left for the run", "山", "山か", "01", false},
		{"nothing at all", "山", "", "", false},
	}
	for _, row := range rows {
		if got := substitutes(characters(row.original), characters(row.given), []byte(row.flags)); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}

func TestCharacters(t *testing.T) {
	for s, want := range map[string][]string{
		"": nil, "山田": {"山", "田"}, "葛\U000E0102子": {"葛\U000E0102", "子"}, "子葛\U000E0102": {"子", "葛\U000E0102"}, "\U000E0102山": {"\U000E0102", "山"},
	} {
		if got := characters(s); !slices.Equal(got, want) {
			t.Errorf("%q: %q", s, got)
		}
	}
}

func TestKanaInTheCertificate(t *testing.T) {
	_, photo := person(t, "ivs")
	doc := documentOf(t, "ivs").with("substitutes.name", "よし邉　葛子").with("substitutes.name_flags", "111010").json(t)
	o, err := Parse(doc, photo, Checks{})
	if err != nil {
		t.Fatal(err)
	}
	if got := open(t, o.Certified.Name) + open(t, o.Certified.NameFlags) + open(t, o.Certified.AddressFlags); got != "よし邉　葛子1110100000001000000" {
		t.Errorf("got %s", got)
	}
}
