package face

// arranged is a text in lines of a panel.
type arranged struct {
	first, lines int // of the panel's lines, from 0
	rows         []placed
}

// placed is a block in its room.
type placed struct {
	block block
	room  room
}

// count is how many rows of text there are.
func (a arranged) count() int {
	n := 0
	for _, p := range a.rows {
		n += len(p.block.lines)
	}
	return n
}

// size is the em size of the text in pixels.
func (a arranged) size() float32 { return a.rows[0].block.size }

// arrange sets a text below the used lines of a panel, on at least so many of them.
func (c *canvas) arrange(i item, text []glyph, used, least int) (arranged, error) {
	left := i.lines() - used
	for n := max(1, least); n <= left; n++ {
		if rows := c.onLines(i, text, used, n); rows != nil {
			return arranged{used, n, rows}, nil
		}
	}
	if left >= max(1, least) {
		if row, ok := c.closely(i, text, used); ok {
			return arranged{used, left, []placed{row}}, nil
		}
	}
	m := c.room(i)
	needed := max(least, len(m.wrapped(text, m.least, breakBefore).lines))
	if needed > i.lines() {
		return arranged{}, &OverflowError{
			Field: "remarks", Rule: "the entry needs " + linesText(needed) + " and 追記欄 has " + linesText(i.lines()),
			Remedy: "shorten it as the resident register permits",
		}
	}
	return arranged{}, noRoom(needed, left)
}

// onLines sets the text on at most n of the panel's own lines, all rows in one size,
// the largest at which they suffice; nil when none does.
func (c *canvas) onLines(i item, text []glyph, used, n int) []placed {
	line := i
	line.H, line.Lines = i.pitch(), 1
	m := c.room(line)
	for size := m.largest(1); size >= m.least; size = m.smaller(size) {
		if b := m.wrapped(text, size, breakBefore); len(b.lines) <= n {
			return c.rows(line, b, used)
		}
	}
	if b := m.wrapped(text, m.least, breakAnywhere); len(b.lines) <= n && m.largest(1) >= m.least {
		return c.rows(line, b, used)
	}
	return nil
}

// rows puts each line of a block on a line of the panel.
func (c *canvas) rows(line item, b block, used int) []placed {
	out := make([]placed, len(b.lines))
	top := line.Y
	for k, text := range b.lines {
		line.Y = top + float64(used+k)*line.H
		out[k] = placed{block{[][]glyph{text}, b.size}, c.room(line)}
	}
	return out
}

// closely sets the text in all that is left, with as many rows as fit.
func (c *canvas) closely(i item, text []glyph, used int) (placed, bool) {
	rest := i
	rest.Y += float64(used) * i.pitch()
	rest.H -= float64(used) * i.pitch()
	m := c.room(rest)
	m.top = true
	for m.lines = 1; m.least*(1+float32(m.lines)*pitch) <= float32(m.box.Dy()); m.lines++ {
		continue
	}
	b, ok := m.fit(text)
	return placed{b, m}, ok
}

// setRows draws what has been arranged, in the item's ink.
func (c *canvas) setRows(i item, set arranged) error {
	for _, p := range set.rows {
		if err := c.set(i.Ink, "remarks", p.block, p.room); err != nil {
			return err
		}
	}
	return nil
}

// remarks fills the lines of 追記欄 when the card is made.
func (c *canvas) remarks(i item) error {
	all, err := c.arrangeRemarks(i)
	if err != nil {
		return err
	}
	for _, set := range all {
		if err := c.setRows(i, set); err != nil {
			return err
		}
	}
	return nil
}

// arrangeRemarks sets one remark below the other.
func (c *canvas) arrangeRemarks(i item) ([]arranged, error) {
	var all []arranged
	used := 0
	for _, remark := range c.data.Remarks {
		text, err := c.fonts.required("remarks", remark)
		if err != nil {
			return nil, err
		}
		set, err := c.arrange(i, text, used, 1)
		if err != nil {
			return nil, err
		}
		used += set.lines
		all = append(all, set)
	}
	return all, nil
}
