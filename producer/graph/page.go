package graph

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	abs "github.com/microsoft/kiota-abstractions-go"
)

// Page is one page of a listing. Items are valid until yield returns: the next page is
// read into the same memory.
type Page[T any] struct {
	Number int       // from 1
	Items  []T       // may be empty: Graph gives empty pages in the middle of a listing
	Read   time.Time // when the page was asked for
	// Next leads to the page after this one, empty on the last. It is no credential: Graph
	// answers it only together with a token of this tenant. But its token has been seen to
	// hold a user principal name, where the listing stands: keep it as one keeps personal
	// data, for the short time it is good for, and never log it.
	Next string
}

const (
	// pageTries is how often a page is asked for when its body is cut off or no JSON.
	pageTries = 2
	// maxEmptyPages ends a listing that only ever promises more.
	maxEmptyPages = 1000
)

// listing is one list of Graph's: how to ask for its first page and what its elements
// must have.
type listing[T any] struct {
	feed  feed
	path  string // below the version, for listings that can be resumed
	first func(ctx context.Context) (*abs.RequestInformation, error)
	// accept checks an element and completes it. It is called before the page is handed on.
	accept  func(*T) bool
	options json.Options
}

var pageOptions = json.JoinOptions(jsontext.AllowInvalidUTF8(true))

// run reads the listing to its end and hands over page after page. An error of yield
// ends it and is returned as it is.
func (l listing[T]) run(ctx context.Context, c *Client, yield func(Page[T]) error) error {
	return l.runFrom(ctx, c, "", yield)
}

// runFrom is run from the page on that link leads to.
func (l listing[T]) runFrom(ctx context.Context, c *Client, link string, yield func(Page[T]) error) error {
	info, err := l.start(ctx, c, link)
	if err != nil {
		return err
	}
	var (
		d     pageDecoder[T]
		seed  = maphash.MakeSeed()
		seen  = map[uint64]struct{}{maphash.String(seed, link): {}}
		empty int
	)
	for number := 1; ; number++ {
		page := Page[T]{Number: number, Read: c.now().UTC()}
		var next string
		if page.Items, next, err = l.page(ctx, c, &d, info); err != nil {
			return fmt.Errorf("list %s: page %d: %w", l.feed.name, number, err)
		}
		page.Next = next
		if err := yield(page); err != nil {
			return err
		}
		if next == "" {
			return nil
		}
		if empty++; len(page.Items) > 0 {
			empty = 0
		}
		hash := maphash.String(seed, next)
		if _, again := seen[hash]; again || empty > maxEmptyPages {
			return fmt.Errorf("list %s: page %d: %w", l.feed.name, number, &Error{Kind: Loop, Message: "the listing leads back to a page already read, or to empty pages without end"})
		}
		seen[hash] = struct{}{}
		if info, err = c.follow(next); err != nil {
			return fmt.Errorf("list %s: page %d: next link: %w", l.feed.name, number, err)
		}
	}
}

// page reads one page. A body that breaks off or is no page is asked for once more.
func (l listing[T]) page(ctx context.Context, c *Client, d *pageDecoder[T], info *abs.RequestInformation) ([]T, string, error) {
	for try := 1; ; try++ {
		resp, err := c.send(ctx, info)
		if err != nil {
			return nil, "", err
		}
		if resp.StatusCode != http.StatusOK {
			e := responseError(resp, l.feed)
			discard(resp)
			return nil, "", e
		}
		items, next, err := d.decode(resp.Body, l.options)
		if err == nil {
			err = l.check(items)
		}
		cut := broken(resp.Body)
		discard(resp)
		if err == nil {
			return items, next, nil
		}
		if ctx.Err() != nil {
			return nil, "", asError(ctx, err)
		}
		e := bodyError(err, cut)
		e.RequestID = cleanID(resp.Header.Get("request-id"))
		if try == pageTries || errors.Is(err, errTooLarge) {
			return nil, "", e
		}
		c.log.Warn().Str("feed", l.feed.name).Str("request", e.RequestID).Err(e).Msg("reading a page again")
		if err := c.retry.pause(ctx, c.retry.backoff(try)); err != nil {
			return nil, "", asError(ctx, err)
		}
	}
}

func (l listing[T]) check(items []T) error {
	for i := range items {
		if !l.accept(&items[i]) {
			return fmt.Errorf("element %d has no id", i+1)
		}
	}
	return nil
}

// bodyError describes an answer that is not what was asked for, without quoting it: a
// page is full of personal data.
func bodyError(err, cut error) *Error {
	e := &Error{Kind: BadBody, Status: http.StatusOK}
	if errors.Is(err, errTooLarge) || errors.Is(cut, errTooLarge) {
		e.Message = "the answer is larger than the limit"
		return e
	}
	if cut != nil {
		e.Message, e.Err = "the answer breaks off", showable(cut)
		return e
	}
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		e.Message = fmt.Sprintf("the answer is not a page: no JSON at byte %d", s.ByteOffset)
		return e
	}
	if s, ok := errors.AsType[*json.SemanticError](err); ok {
		e.Message = fmt.Sprintf("the answer is not a page: unexpected value at byte %d", s.ByteOffset)
		return e
	}
	switch {
	case errors.Is(err, io.EOF):
		e.Message = "the answer is empty"
	case errors.Is(err, io.ErrUnexpectedEOF):
		e.Message = "the answer breaks off"
	default:
		e.Message = "the answer is not a page: " + clean(err.Error())
	}
	return e
}

// pageDecoder reads pages from the network into one slice, again and again.
type pageDecoder[T any] struct {
	dec   *jsontext.Decoder
	items []T
}

// decode reads one page: a JSON object with an array "value" and, before or after it, a
// string "@odata.nextLink" if there is more. The object must be all there is.
func (d *pageDecoder[T]) decode(r io.Reader, options json.Options) (items []T, next string, err error) {
	if d.dec == nil {
		d.dec = jsontext.NewDecoder(r, options)
	} else {
		d.dec.Reset(r, options)
	}
	if d.dec.PeekKind() != '{' {
		if _, err := d.dec.ReadToken(); err != nil {
			return nil, "", err
		}
		return nil, "", errors.New("no object")
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return nil, "", err
	}
	found := false
	for d.dec.PeekKind() != '}' {
		name, err := d.dec.ReadToken()
		if err != nil {
			return nil, "", err
		}
		switch name.String() {
		case "value":
			found = true
			err = d.array(options)
		case "@odata.nextLink":
			next, err = d.link()
		default:
			err = d.dec.SkipValue()
		}
		if err != nil {
			return nil, "", err
		}
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return nil, "", err
	}
	if _, err := d.dec.ReadToken(); err != io.EOF {
		if err == nil {
			err = errors.New("text after the page")
		}
		return nil, "", err
	}
	if !found {
		return nil, "", errors.New("no value")
	}
	return d.items, next, nil
}

func (d *pageDecoder[T]) array(options json.Options) error {
	d.items = d.items[:0]
	if d.dec.PeekKind() != '[' {
		if _, err := d.dec.ReadToken(); err != nil {
			return err
		}
		return errors.New("value is no array")
	}
	if _, err := d.dec.ReadToken(); err != nil {
		return err
	}
	for d.dec.PeekKind() != ']' {
		if len(d.items) < cap(d.items) {
			d.items = d.items[:len(d.items)+1]
		} else {
			var zero T
			d.items = append(d.items, zero)
		}
		item := &d.items[len(d.items)-1]
		var zero T
		*item = zero
		if d.dec.PeekKind() == 'n' {
			return errors.New("an element is null")
		}
		if err := json.UnmarshalDecode(d.dec, item, options); err != nil {
			return err
		}
	}
	_, err := d.dec.ReadToken()
	return err
}

func (d *pageDecoder[T]) link() (string, error) {
	token, err := d.dec.ReadToken()
	if err != nil {
		return "", err
	}
	switch token.Kind() {
	case 'n':
		return "", nil
	case '"':
		if s := token.String(); s != "" {
			return s, nil
		}
	}
	return "", errors.New("next link is no link")
}
