package dashboard

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// axeVersion is what scripts/browser.sh installs.
const axeVersion = "4.14.1"

// missing says what to do where a part of the browser tests is not there. In CI that is a
// failure.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s: run scripts/browser.sh", what)
	}
	t.Skipf("%s: run scripts/browser.sh", what)
}

func browserPath(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("SEATSTREAM_TEST_BROWSER"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, "no Chromium on PATH")
	return ""
}

func axeSource(t *testing.T) string {
	t.Helper()
	cache := os.Getenv("SEATSTREAM_CACHE")
	if cache == "" {
		base := os.Getenv("XDG_CACHE_HOME")
		if base == "" {
			base = filepath.Join(os.Getenv("HOME"), ".cache")
		}
		cache = filepath.Join(base, "seatstream")
	}
	source, err := os.ReadFile(filepath.Join(cache, "axe", axeVersion, "axe.min.js"))
	if err != nil {
		missing(t, "no axe-core "+axeVersion)
	}
	return string(source)
}

// tab is a page of a browser, and everything it complained of.
type tab struct {
	t   *testing.T
	ctx context.Context
	url string
	axe string

	mu         sync.Mutex
	complaints []string
}

// patience is for a machine that is busy with other things.
const patience = 3 * time.Minute

// void is an action that returns nothing.
type void = chromedp.Action[chromedp.Void]

func openTab(t *testing.T, url string) *tab {
	t.Helper()
	b := &tab{t: t, url: url, axe: axeSource(t)}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browserPath(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-dev-shm-usage", true))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	var cancel context.CancelFunc
	b.ctx, cancel = chromedp.NewContext(alloc)
	listened := make(chan struct{})
	t.Cleanup(func() {
		_ = chromedp.Cancel(b.ctx) // waits until the browser has ended
		cancel()
		stop()
		<-listened
	})
	messages := chromedp.Console(b.ctx) // starts the browser
	go func() {
		defer close(listened)
		for m, err := range messages {
			if err != nil {
				return
			}
			switch m.Type {
			case chromedp.ConsoleError, chromedp.ConsoleWarning, chromedp.ConsoleException:
				b.complain(string(m.Type) + ": " + m.Text + " " + m.URL)
			}
		}
	}()
	b.do(chromedp.Navigate("about:blank"))
	return b
}

func (b *tab) complain(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = append(b.complaints, text)
}

// quiet fails where the browser complained since the last call.
func (b *tab) quiet(where string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		b.t.Errorf("%s: %s", where, c)
	}
	b.complaints = nil
}

func (b *tab) do(actions ...void) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("browser: %v", err)
	}
}

// open goes to a page of the server and waits until it stands.
func (b *tab) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.url+path), chromedp.WaitReady(chromedp.CSS("main")))
}

// value evaluates an expression.
func value[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	out, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("browser: %.200s: %v", expression, err)
	}
	return out
}

// until waits until an expression is true, on whatever page comes meanwhile.
func (b *tab) until(what, expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if err == nil && ok {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			b.t.Fatalf("browser: %s: waited in vain (%v); the page says: %.1500s", what, err, value[string](b, "document.body.innerText"))
		}
	}
}

// submit clicks a button or a link and waits for the page that comes.
func (b *tab) submit(selector string) {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void]("window.before = true"), chromedp.Click(chromedp.CSS(selector)))
	b.until("a page after "+selector, `!window.before && document.readyState === "complete" && document.querySelector("main")`)
}

// fill writes into fields by their id.
func (b *tab) fill(fields map[string]string) {
	b.t.Helper()
	for id, text := range fields {
		b.do(chromedp.SetValue(chromedp.CSS("#"+id), text))
	}
}

// says fails where the page does not say a text.
func (b *tab) says(texts ...string) {
	b.t.Helper()
	page := value[string](b, "document.body.innerText")
	for _, text := range texts {
		if !strings.Contains(page, text) {
			b.t.Errorf("%s does not say %q: %.1500s", value[string](b, "location.pathname"), text, page)
		}
	}
}

// sizes are the widths that every page must fit into.
var sizes = []int64{1600, 360}

// fits fails where the page scrolls sideways.
func (b *tab) fits(path string) {
	b.t.Helper()
	for _, width := range sizes {
		b.do(chromedp.EmulateViewport(width, 900))
		if over := value[int](b, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); over > 0 {
			widest := value[string](b, `[...document.querySelectorAll("main *, header *, footer *, form *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll, pre")).slice(0, 5).map(e => e.outerHTML.slice(0, 160)).join("\n")`)
			b.t.Errorf("%s at %d px scrolls sideways by %d: %s", path, width, over, widest)
		}
	}
}

// theme makes the page light or dark; empty for what the system has.
func (b *tab) theme(name string) {
	b.t.Helper()
	var features []*emulation.MediaFeature
	if name != "" {
		features = append(features, &emulation.MediaFeature{Name: "prefers-color-scheme", Value: name})
	}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		b.t.Fatal(err)
	}
}

// accessible fails where axe-core finds a violation: wide and light, narrow and dark.
func (b *tab) accessible(path string) {
	b.t.Helper()
	for i, theme := range []string{"light", "dark"} {
		b.do(chromedp.EmulateViewport(sizes[i], 900))
		b.theme(theme)
		b.do(chromedp.Evaluate[chromedp.Void](b.axe + "; 1"))
		found := value[string](b, `axe.run(document, {resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations.map(v => v.id + ": " + v.help + " " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + " " + n.failureSummary).join(" | "))))`)
		var violations []string
		if err := json.Unmarshal([]byte(found), &violations); err != nil {
			b.t.Fatal(err)
		}
		for _, v := range violations {
			b.t.Errorf("%s, %s: %s", path, theme, v)
		}
	}
	b.theme("")
	b.do(chromedp.EmulateViewport(1280, 900))
}
