package output

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escape matches the sequences that steer a terminal, in their 7-bit and 8-bit forms:
// CSI; strings (OSC, DCS, SOS, PM, APC) with their content where they are closed; any
// other. Of a string that is not closed only the introducer goes, so that a name cannot
// hide what follows it.
var escape = regexp.MustCompile("(?:\x1b\\[|\u009b)[0-?]*[ -/]*[@-~]" +
	"|(?:\x1b[\\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\x07\x1b\u009c]*(?:\x07|\x1b\\\\|\u009c)" +
	"|\x1b[ -/]*[0-~]?")

const replacement = '\uFFFD'

// marksInARow is more than any script stacks on one letter; beyond it marks only smear
// over the neighbouring lines.
const marksInARow = 8

// clean makes a text one harmless line: no escape sequences and control characters,
// spaces for line breaks and tabs, a visible sign for what overrides the direction of
// writing, and nothing invisible except the joiners that scripts and emoji need.
func clean(s string) string {
	if plain(s) {
		return s
	}
	s = escape.ReplaceAllString(strings.ToValidUTF8(s, string(replacement)), "")
	var b strings.Builder
	marks := 0
	for _, r := range s {
		switch {
		case unicode.Is(unicode.M, r):
			marks++
		case !invisible(r):
			marks = 0
		}
		switch {
		case r == '\n' || r == '\r' || r == '\t' || r == '\v' || r == '\f' || r == '\u0085' || r == '\u2028' || r == '\u2029':
			b.WriteByte(' ')
		case overrides(r):
			b.WriteRune(replacement)
		case invisible(r) || marks > marksInARow:
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// printable is clean for a file that keeps line breaks and tabs: they are data there.
func printable(s string) string {
	if plain(s) {
		return s
	}
	s = escape.ReplaceAllString(strings.ToValidUTF8(s, string(replacement)), "")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return r
		case overrides(r):
			return replacement
		case invisible(r):
			return -1
		}
		return r
	}, s)
}

// plain is the common case, told quickly: printable ASCII.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// overrides tells the characters that make text read in another order than it is
// written.
func overrides(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// invisible tells control and format characters, apart from the joiners and from the
// signs of Arabic and its kin that count as format but show.
func invisible(r rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' ||
		unicode.Is(unicode.Cf, r) && r != nonJoiner && r != joiner && !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

// appendJSON writes a JSON string. Nothing is lost: what could steer a terminal or
// deceive a reader is escaped, all else is written as it is.
func appendJSON(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	unit := func(u rune) {
		b = append(b, '\\', 'u', hex[u>>12&15], hex[u>>8&15], hex[u>>4&15], hex[u&15])
	}
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case overrides(r) || invisible(r):
			if r > 0xffff {
				unit(0xd800 + (r-0x10000)>>10)
				r = 0xdc00 + (r-0x10000)&0x3ff
			}
			unit(r)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

// group separates the thousands of a decimal number.
func group(number string) string {
	sign, digits := "", number
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	var b strings.Builder
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	return sign + b.String() + fraction
}
