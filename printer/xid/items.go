package xid

import (
	"context"
	"fmt"
)

// Items of information and settings over the network (revk/cardprint, xidserver.c and
// eth.txt; the package comment says what is assumed of the counters).
const (
	itemCards      = 0x0A // 0 there, 2 none
	itemRibbonLeft = 0x0B // in fiftieths
	itemFilmLeft   = 0x0C // in tenths
	itemRibbonKind = 0x0D
	itemRibbonSets = 0x0E
	itemCounterA   = 0x1F
	itemCounterB   = 0x21
	itemRetry      = 0x28 // a setting
)

// items asks for items by their tags.
func (n *network) items(ctx context.Context, fn uint32, tags ...byte) (map[byte][]byte, error) {
	var ask []byte
	for _, t := range tags {
		ask = append(ask, t, 0, 0, 0)
	}
	f, err := n.exchange(ctx, frame{fn: fn, data: ask})
	if err != nil {
		return nil, err
	}
	found, err := parseItems(f.data)
	if err != nil {
		return nil, n.broken(err.Error())
	}
	for _, t := range tags {
		if _, ok := found[t]; !ok {
			return nil, n.broken(fmt.Sprintf("item %02X is not in its answer", t))
		}
	}
	return found, nil
}

// parseItems reads {tag, length of the rest, length of the value, value, filling}. A tag
// of 0 ends them.
func parseItems(b []byte) (map[byte][]byte, error) {
	found := map[byte][]byte{}
	for len(b) > 0 && b[0] != 0 {
		if len(b) < 3 || len(b) < 2+int(b[1]) || int(b[1]) < 1+int(b[2]) {
			return nil, fmt.Errorf("cannot read item %02X: it is cut short", b[0])
		}
		found[b[0]] = b[3 : 3+int(b[2])]
		b = b[2+int(b[1]):]
	}
	return found, nil
}

// number is a value, high byte first.
func number(b []byte) uint64 {
	var n uint64
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

func (n *network) counters(ctx context.Context) (answer, error) {
	i, err := n.items(ctx, fnInfo, itemCounterA, itemCounterB)
	if err != nil {
		return answer{}, err
	}
	a, b := number(i[itemCounterA]), number(i[itemCounterB])
	return answer{total: max(a, b), sinceClean: min(a, b)}, nil
}

func (n *network) supplies(ctx context.Context) (answer, error) {
	i, err := n.items(ctx, fnInfo, itemCards, itemRibbonLeft, itemFilmLeft, itemRibbonKind, itemRibbonSets)
	if err != nil {
		return answer{}, err
	}
	s, err := n.items(ctx, fnSettings, itemRetry)
	if err != nil {
		return answer{}, err
	}
	return answer{ribbon: ribbon{
		kind: byte(number(i[itemRibbonKind])), total: int(uint16(number(i[itemRibbonSets]))),
		left: int(byte(number(i[itemRibbonLeft]))), film: int(byte(number(i[itemFilmLeft]))),
		cards: number(i[itemCards]) == cardsThere, retry: int(byte(number(s[itemRetry]))),
	}}, nil
}
