package graph

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

const (
	maxCell   = 1 << 20
	maxRecord = 8 << 20
	maxFields = 1024
	csvBuffer = 256 << 10
)

// errCutRow is text that ends in the middle of a row.
var errCutRow = errors.New("the text ends inside a row")

// csvReader reads RFC 4180 text record by record in bounded memory. A record that is
// malformed or too large is passed over and reported by bad; only text whose rows can no
// longer be told apart is an error.
type csvReader struct {
	r *bufio.Reader

	// Of the record last read; fields point into memory that the next record reuses.
	fields     [][]byte
	bad        bool // malformed or beyond a limit: the fields mean nothing
	terminated bool // ended by a line end, not by the end of the text

	state quoteState
	out   []byte // unquoted cells of a record that has quotes or is longer than the buffer
	ends  []int  // where each of them ends
	over  bool   // a limit was passed: the rest of the record is dropped
}

type quoteState uint8

const (
	atStart quoteState = iota // of a cell
	inPlain
	inQuotes
	afterQuote // a quote inside quotes: the end of the cell, or half of an escaped quote
)

func newCSVReader(r io.Reader) (*csvReader, error) {
	c := &csvReader{r: bufio.NewReaderSize(r, csvBuffer)}
	head, err := c.r.Peek(3)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if bytes.Equal(head, []byte("\xef\xbb\xbf")) {
		_, _ = c.r.Discard(3)
	}
	return c, nil
}

// next reads one record. io.EOF is the end of the text, at the start of a record.
func (c *csvReader) next() error {
	c.bad, c.terminated, c.over = false, false, false
	line, err := c.r.ReadSlice('\n')
	if err == nil && bytes.IndexByte(line, '"') < 0 {
		c.terminated = true
		c.split(trimEnd(line))
		return nil
	}
	c.state, c.out, c.ends = atStart, c.out[:0], c.ends[:0]
	lines := 0
	for {
		switch {
		case err == io.EOF && len(line) == 0 && c.state == atStart && len(c.out) == 0 && len(c.ends) == 0 && lines == 0:
			return io.EOF
		case err == nil:
			line, lines = line[:len(line)-1], lines+1
			c.feed(line)
			if c.state != inQuotes {
				c.terminated = true
				return c.finish(lines)
			}
			c.put('\n')
		case err == bufio.ErrBufferFull:
			c.feed(line)
			if lines == 0 {
				lines = -1 // anything but the start
			}
		case err == io.EOF:
			c.feed(line)
			if c.state == inQuotes {
				return errCutRow
			}
			return c.finish(lines)
		default:
			return err
		}
		line, err = c.r.ReadSlice('\n')
	}
}

// split is the common case: a whole line without quotes.
func (c *csvReader) split(line []byte) {
	c.fields = c.fields[:0]
	for {
		i := bytes.IndexByte(line, ',')
		if i < 0 {
			c.add(line)
			return
		}
		c.add(line[:i])
		line = line[i+1:]
	}
}

func (c *csvReader) add(cell []byte) {
	if len(c.fields) == maxFields {
		c.bad = true
		return
	}
	c.fields = append(c.fields, cell)
}

// feed takes a stretch of a record.
func (c *csvReader) feed(text []byte) {
	for len(text) > 0 {
		switch c.state {
		case atStart:
			if text[0] == '"' {
				c.state, text = inQuotes, text[1:]
				continue
			}
			c.state = inPlain
		case inPlain:
			i := bytes.IndexByte(text, ',')
			if i < 0 {
				c.put(text...)
				return
			}
			c.put(text[:i]...)
			c.end()
			text = text[i+1:]
		case inQuotes:
			i := bytes.IndexByte(text, '"')
			if i < 0 {
				c.put(text...)
				return
			}
			c.put(text[:i]...)
			c.state, text = afterQuote, text[i+1:]
		case afterQuote:
			switch text[0] {
			case '"':
				c.put('"')
				c.state = inQuotes
			case ',':
				c.end()
			case '\r': // of the line's end
			default:
				c.bad, c.state = true, inPlain
			}
			text = text[1:]
		}
	}
}

func (c *csvReader) put(b ...byte) {
	start := 0
	if n := len(c.ends); n > 0 {
		start = c.ends[n-1]
	}
	if c.over || len(c.out)-start+len(b) > maxCell || len(c.out)+len(b) > maxRecord {
		c.over = true
		return
	}
	c.out = append(c.out, b...)
}

func (c *csvReader) end() {
	c.state = atStart
	if len(c.ends) == maxFields {
		c.over = true
		return
	}
	c.ends = append(c.ends, len(c.out))
}

// finish ends a record of the slow way. A malformed record that spans lines may have
// swallowed others, so nothing after it can be trusted.
func (c *csvReader) finish(lines int) error {
	if c.bad && lines > 1 {
		return fmt.Errorf("a quoted cell is malformed")
	}
	plain := c.state == inPlain
	c.end()
	if c.over {
		c.bad = true
	}
	c.fields = c.fields[:0]
	start := 0
	for _, end := range c.ends {
		c.fields = append(c.fields, c.out[start:end:end])
		start = end
	}
	if n := len(c.fields); plain && n > 0 {
		c.fields[n-1] = bytes.TrimSuffix(c.fields[n-1], []byte("\r"))
	}
	return nil
}

func trimEnd(line []byte) []byte {
	line = line[:len(line)-1]
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line
}
