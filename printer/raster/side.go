package raster

import "image"

// Side is one side of a card: how it looks, and which of its ink is resin. As an
// image it is the look alone.
type Side struct {
	*image.RGBA              // the whole side, text and all; opaque
	Resin       *image.Alpha // of the same bounds: how much of a pixel black text or a code covers, 255 all of it
}

// NewSide is a white side without ink.
func NewSide(bounds image.Rectangle) *Side {
	s := &Side{image.NewRGBA(bounds), image.NewAlpha(bounds)}
	for i := range s.Pix {
		s.Pix[i] = 0xFF
	}
	return s
}

// Clone is a side of its own with the same ink.
func (s *Side) Clone() *Side {
	c := &Side{image.NewRGBA(s.Rect), image.NewAlpha(s.Rect)}
	for y := s.Rect.Min.Y; y < s.Rect.Max.Y; y++ {
		copy(c.Pix[c.PixOffset(s.Rect.Min.X, y):], s.Pix[s.PixOffset(s.Rect.Min.X, y):s.PixOffset(s.Rect.Max.X, y)])
		copy(c.Resin.Pix[c.Resin.PixOffset(s.Rect.Min.X, y):], s.Resin.Pix[s.Resin.PixOffset(s.Rect.Min.X, y):s.Resin.PixOffset(s.Rect.Max.X, y)])
	}
	return c
}

// SubImage is the part of the side within r, sharing its pixels and its resin.
func (s *Side) SubImage(r image.Rectangle) image.Image {
	return &Side{s.RGBA.SubImage(r).(*image.RGBA), s.Resin.SubImage(r).(*image.Alpha)}
}

// Look is the picture of a side, for encoders that know the standard library's
// images: the RGBA of a [*Side], any other image itself.
func Look(side image.Image) image.Image {
	if s, ok := side.(*Side); ok {
		return s.RGBA
	}
	return side
}
