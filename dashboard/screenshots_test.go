package dashboard

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestScreenshots writes the pictures of docs/screenshots: make screenshots.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("SEATSTREAM_TEST_SCREENSHOTS")
	if dir == "" {
		t.Skip("pictures for people to look at: make screenshots")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := start(t)
	s.collect(t, s.sim.Tenants()[2])
	within(t, "all records stored", func() bool { lag, err := s.deps.Consumer.Lag(t.Context()); return err == nil && lag == 0 })
	b := openTab(t, s.url)
	pages := map[string]string{}
	person := s.everyPage(t)[5]
	for name, path := range map[string]string{
		"overview": "/", "tenant": "/tenant?tenant=contoso", "people": "/people?tenant=contoso", "person": person, "recommendations": "/recommendations?tenant=contoso",
		"downgrades": "/recommendations?tenant=contoso&kind=downgrade", "question": "/questions/savings?tenant=contoso", "connectors": "/connectors", "connector": "/connectors/contoso",
		"new-connector": "/connectors/new", "streams": "/streams",
	} {
		pages[name] = path
	}
	shot := func(name, path, theme string, width, height int64) {
		b.do(chromedp.EmulateViewport(width, height))
		b.theme(theme)
		b.open(path)
		b.until("figures that moved", `[...document.querySelectorAll("[data-delta]")].every(e => e.textContent.trim() !== "")`)
		shot, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		small := reduced(t, shot)
		if err := os.WriteFile(filepath.Join(dir, name+".png"), small, 0o644); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d kB", name, len(small)/1000)
	}
	for name, path := range pages {
		shot(name+"-light", path, "light", 1280, 1000)
		shot(name+"-dark", path, "dark", 1280, 1000)
	}
	shot("overview-phone", "/", "light", 360, 1000)
	shot("people-phone", "/people?tenant=contoso", "dark", 360, 1000)
}

// reduced is a picture with its 256 most frequent colours: a page has few, and the file is
// a third.
func reduced(t *testing.T, picture []byte) []byte {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[color.Color]int{}
	at := img.Bounds()
	for y := at.Min.Y; y < at.Max.Y; y++ {
		for x := at.Min.X; x < at.Max.X; x++ {
			seen[img.At(x, y)]++
		}
	}
	var palette color.Palette
	for c := range seen {
		palette = append(palette, c)
	}
	slices.SortFunc(palette, func(a, b color.Color) int { return cmp.Compare(seen[b], seen[a]) })
	palette = palette[:min(len(palette), 256)]
	out, index := image.NewPaletted(at, palette), map[color.Color]uint8{}
	for y := at.Min.Y; y < at.Max.Y; y++ {
		for x := at.Min.X; x < at.Max.X; x++ {
			c := img.At(x, y)
			i, known := index[c]
			if !known {
				i = uint8(palette.Index(c))
				index[c] = i
			}
			out.SetColorIndex(x, y, i)
		}
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, out); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
