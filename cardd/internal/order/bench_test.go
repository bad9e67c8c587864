package order

import "testing"

// BenchmarkParse reads an order with its photograph beside it.
func BenchmarkParse(b *testing.B) {
	p, photo := person(b, "ivs")
	b.ReportAllocs()
	for b.Loop() {
		o, err := Parse(p.Order, photo, Checks{})
		if err != nil {
			b.Fatal(err)
		}
		o.Destroy()
	}
}
