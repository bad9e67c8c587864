package evolis

// decode turns a download into a landscape plane of bytes, 0 none to 255 full.
func decode(levels string, data []byte, coded bool) ([]byte, bool) {
	top := map[string]int{"2": 1, "32": 31, "64": 63, "128": 127}[levels]
	var upright []byte
	switch {
	case !coded:
		upright = unpack(make([]byte, 0, Width*Height), data, top)
	case top == 1:
		upright = lines(data)
	default:
		upright = runs(data, top)
	}
	if len(upright) != Width*Height {
		return nil, false
	}
	// The printer's lines stand upright: column n of the landscape, from below.
	plane := make([]byte, len(upright))
	for i, v := range upright {
		if v == 0 {
			continue
		}
		line, dot := i/Height, i%Height
		plane[(Height-1-dot)*Width+line] = byte((int(v)*255 + top/2) / top)
	}
	return plane, true
}

// unpack reads numbers of as many bits as top has, the highest bit first.
func unpack(out, data []byte, top int) []byte {
	v, mask := 0, 0
	for _, b := range data {
		for bit := 7; bit >= 0; bit-- {
			v, mask = v<<1|int(b>>bit&1), mask<<1|1
			if mask == top {
				out = append(out, byte(v))
				v, mask = 0, 0
			}
		}
	}
	return out
}

// lines reads coded lines of two levels: white, black, or so many bytes and white.
func lines(data []byte) []byte {
	const wide = Height / 8
	out := make([]byte, 0, Width*Height)
	for len(data) > 0 {
		line, n := make([]byte, wide), int(data[0])
		data = data[1:]
		switch {
		case n == 0xFF:
			for i := range line {
				line[i] = 0xFF
			}
		case n > wide || n > len(data):
			return nil
		default:
			copy(line, data[:n])
			data = data[n:]
		}
		out = unpack(out, line, 1)
	}
	return out
}

// runs reads coded colours: a dot, or a dot with a counter; a counter of nothing is the
// whole line white.
func runs(data []byte, top int) []byte {
	out := make([]byte, 0, Width*Height)
	for i := 0; i < len(data); i++ {
		v := int(data[i] & 0x7F)
		if data[i] < 0x80 {
			out = append(out, byte(v))
			continue
		}
		if i++; i == len(data) {
			return nil
		}
		n := int(data[i])
		for bit := 0x40; bit > top; bit >>= 1 {
			if v&bit != 0 {
				n += 256
			}
		}
		v &= top
		if n == 0 {
			n, v = Height, 0
		}
		for range n {
			out = append(out, byte(v))
		}
	}
	return out
}
