package main

import (
	"fmt"
	"strings"
	"time"
)

// text is the record of a ceremony, to be printed and signed: who, when, which key and
// its check values, and no key material.
func (c *ceremony) text(station, store string) []byte {
	var b strings.Builder
	line := func(en, ja, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-30s %s\n", en+" ("+ja+"):", value)
		}
	}
	b.WriteString("KEY CEREMONY RECORD  鍵管理作業記録\n\n")
	line("Station", "端末", station)
	line("Store", "保管先", store)
	line("Begun", "開始", c.Begun.Format(time.RFC3339))
	line("Ended", "終了", c.Ended.Format(time.RFC3339))
	b.WriteByte('\n')
	line("Key", "鍵", c.Use)
	line("Version", "版", c.Version)
	line("Label", "名前", c.Label)
	line("Length", "長さ", fmt.Sprintf("AES-%d", c.Bits))
	line("Check value", "チェック値", c.KCV)
	line("Expected", "期待値", c.Expected)
	line("Came from", "入手方法", c.From)
	line("Wrapped under", "輸送鍵", c.Under)
	b.WriteString("\nCheck values: AES-CMAC of 16 zero bytes, first five bytes (チェック値: 16バイトの0に対するAES-CMACの先頭5バイト)\n")
	for i, k := range c.Custodians {
		fmt.Fprintf(&b, "\nCustodian (管理者) %d: %s\n  component's check value (成分のチェック値): %s\n  at (時刻): %s\n  signature (署名): ______________________\n",
			i+1, k.Name, k.KCV, k.At.Format(time.RFC3339))
	}
	for _, p := range []struct{ as, name string }{{"Officer (責任者)", c.Officer}, {"Witness (立会人)", c.Witness}} {
		fmt.Fprintf(&b, "\n%s: %s\n  signature (署名): ______________________\n", p.as, p.name)
	}
	return []byte(b.String())
}
