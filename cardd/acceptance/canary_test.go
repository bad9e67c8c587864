package acceptance

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"image"
	"image/color"
	"image/jpeg"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jukicard/simulator/people"
)

// bird is a person all of whose data are random, so that whatever is found of them
// later came from this order.
type bird struct {
	dir, order, pins string // folder and files
	number, code     string
	name, address    string
	family           string // the random part of the name
	place            string // the random part of the address
	referenceB       string
	secrets          pins
	photo            []byte // JPEG
}

// hatch draws a person and writes order.json, photo.jpg and pins.json. unknown says
// whether four digits occur nowhere yet where they will be looked for.
func hatch(t testing.TB, product string, unknown func(digits []string) []string) *bird {
	t.Helper()
	b := &bird{dir: t.TempDir()}
	b.order, b.pins = filepath.Join(b.dir, "order.json"), filepath.Join(b.dir, "pins.json")
	b.number = withCheckDigit("9999"+drawFrom(t, digits, 7), []int{6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2})
	b.code = withCheckDigit("9999"+drawFrom(t, digits, 6), []int{5, 4, 3, 2, 7, 6, 5, 4, 3, 2})
	b.family, b.place = drawFrom(t, rareKanji, 4), drawFrom(t, rareKanji, 5)+drawFrom(t, "０１２３４５６７８９", 3)
	b.name, b.address = "見本　"+b.family, "架空県架空市"+b.place
	var drawn []string
	for range 60 {
		drawn = append(drawn, drawFrom(t, digits, 4))
	}
	free := unknown(drawn)
	if len(free) < 3 {
		t.Fatalf("of %d PINs drawn %d are unknown", len(drawn), len(free))
	}
	b.secrets = pins{
		Signature: "Q7" + drawFrom(t, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"+digits, 14), Authentication: free[0], Resident: free[1], Text: free[2],
	}
	b.photo = noisyPhoto(t)
	b.write(t, product)
	return b
}

const digits = "0123456789"

// rareKanji stand in JIS X 0208, so that every font and certificate has them, and
// hardly anywhere in a program.
const rareKanji = "鯨鮭鯖鱒鯛鴎鴬鶯鷲鷹麒麟麓黍黛黴鼎鼠鼬齟齬龕龠堯槇遙瑤凜熙"

func (b *bird) write(t testing.TB, product string) {
	t.Helper()
	adult, err := people.Get("adult", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	var o map[string]any
	if err := json.Unmarshal(adult.Order, &o); err != nil {
		t.Fatal(err)
	}
	security := drawFrom(t, digits, 4)
	o["id"], o["product"], o["security_code"] = "CANARY-"+drawFrom(t, "ABCDEFGH", 6), product, security
	r := o["resident"].(map[string]any)
	r["name"], r["address"], r["my_number"], r["resident_code"] = b.name, b.address, b.number, b.code
	// 和暦 of 1980-02-17, the year of the tenth birthday from today, security code.
	b.referenceB = "550217" + expiryYear(time.Now(), time.February, 17) + security
	p := map[string]string{"signature": b.secrets.Signature, "authentication": b.secrets.Authentication, "resident": b.secrets.Resident, "text": b.secrets.Text}
	for path, v := range map[string]any{b.order: o, b.pins: p} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		keep(t, path, text)
	}
	keep(t, filepath.Join(b.dir, "photo.jpg"), b.photo)
}

func keep(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// expiryYear is the year of an adult's tenth birthday from the day of issue
// (rules fact sheet, 4: validity of cards).
func expiryYear(issued time.Time, month time.Month, day int) string {
	y, m, d := issued.In(time.FixedZone("JST", 9*60*60)).Date()
	if m > month || m == month && d > day {
		y++
	}
	return time.Date(y+9, month, day, 0, 0, 0, 0, time.UTC).Format("2006")
}

// canaries are the values to look for.
func (b *bird) canaries(t testing.TB) []canary {
	t.Helper()
	m := len(b.photo) / 2
	return append([]canary{
		{name: "PIN signature", value: []byte(b.secrets.Signature), text: true},
		{name: "PIN authentication", value: []byte(b.secrets.Authentication), text: true, short: true},
		{name: "PIN resident", value: []byte(b.secrets.Resident), text: true, short: true},
		{name: "PIN text", value: []byte(b.secrets.Text), text: true, short: true},
		{name: "個人番号", value: []byte(b.number), digits: true, text: true},
		{name: "住民票コード", value: []byte(b.code), digits: true, text: true},
		{name: "照合番号B", value: []byte(b.referenceB), digits: true, text: true},
		{name: "name", value: []byte(b.family), text: true},
		{name: "address", value: []byte(b.place), text: true},
		{name: "photo as handed in", value: b.photo[m : m+24]},
	}, b.pixels(t)...)
}

// pixels are runs of the decoded photograph as programs hold it.
func (b *bird) pixels(t testing.TB) []canary {
	t.Helper()
	m, err := jpeg.Decode(bytes.NewReader(b.photo))
	if err != nil {
		t.Fatal(err)
	}
	const run = 12
	mid := m.Bounds().Dy() / 2
	var luma, rgba []byte
	for x := range run {
		c := m.At(x+100, mid)
		r, g, bl, a := c.RGBA()
		rgba = append(rgba, byte(r>>8), byte(g>>8), byte(bl>>8), byte(a>>8))
		luma = append(luma, color.YCbCrModel.Convert(c).(color.YCbCr).Y)
	}
	return []canary{{name: "photo's luma", value: luma}, {name: "photo's RGBA", value: rgba}}
}

// noisyPhoto is a JPEG that nobody could guess: grey noise on a face-like ground.
func noisyPhoto(t testing.TB) []byte {
	t.Helper()
	const width, height = 480, 617
	noise := draw(t, width*height)
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			v := 96 + noise[y*width+x]/4
			m.SetRGBA(x, y, color.RGBA{v + 30, v + 10, v, 255})
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, &jpeg.Options{Quality: 85}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func draw(t testing.TB, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}

// drawFrom draws n characters.
func drawFrom(t testing.TB, alphabet string, n int) string {
	t.Helper()
	chars := []rune(alphabet)
	var out strings.Builder
	for range n {
		i, err := rand.Int(rand.Reader, big.NewInt(int64(len(chars))))
		if err != nil {
			t.Fatal(err)
		}
		out.WriteRune(chars[i.Int64()])
	}
	return out.String()
}

// withCheckDigit appends the check digit of 個人番号 and 住民票コード: 11 minus the
// weighted sum's remainder, 0 for remainders 0 and 1 (平成26年総務省令85号, 5).
func withCheckDigit(body string, weights []int) string {
	sum := 0
	for i, w := range weights {
		sum += w * int(body[i]-'0')
	}
	if r := sum % 11; r > 1 {
		return body + string(rune('0'+11-r))
	}
	return body + "0"
}
