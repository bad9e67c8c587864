package people

import "math"

// shape is a signed distance in pixels: negative inside, positive outside.
// Near its edge the distance gives a smooth border without supersampling.
type shape func(x, y float64) float64

// oval is an ellipse about (cx, cy) with half axes a and b. Its distance is exact
// on the edge only, which is where it is used.
func oval(cx, cy, a, b float64) shape {
	return func(x, y float64) float64 {
		u, v := (x-cx)/a, (y-cy)/b
		return (math.Sqrt(u*u+v*v) - 1) * min(a, b) // math.Hypot guards against overflow at five times the cost
	}
}

// box is a rectangle about (cx, cy) with half sides a and b.
func box(cx, cy, a, b float64) shape {
	return func(x, y float64) float64 { return max(math.Abs(x-cx)-a, math.Abs(y-cy)-b) }
}

// and is where both are; less is a without b; ring is the border of a shape.
func and(a, b shape) shape  { return func(x, y float64) float64 { return max(a(x, y), b(x, y)) } }
func less(a, b shape) shape { return func(x, y float64) float64 { return max(a(x, y), -b(x, y)) } }
func ring(a shape, half float64) shape {
	return func(x, y float64) float64 { return math.Abs(a(x, y)) - half }
}

// mirror repeats what is left of the axis on its right.
func mirror(axis float64, a shape) shape {
	return func(x, y float64) float64 { return a(axis-math.Abs(x-axis), y) }
}
