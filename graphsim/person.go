package graphsim

import "strconv"

// Kinds of directory user.
const (
	kindMember = iota
	kindGuest
	kindShared
	kindResource
)

// person is what the directory knows of one index on one day. It is filled in
// place and reused, since a listing makes a million of them.
type person struct {
	idx     int
	day     int
	h       uint64
	kind    int
	core    bool
	enabled bool
	joined  int
	left    int
	created int

	place *place
	city  string
	dept  *department
	first *label
	last  *label
	extra *label // the second surname after a rename, nil without one
	twin  int    // tells people of the same name apart, 0 for the first

	swaps, swapDay int
	holds          []holding
	upnText        []byte
}

// fill computes who the person is and what they hold. Names and places are
// left to describe, since counting needs neither.
func (w *world) fill(p *person, i, day int) {
	p.idx, p.day = i, day
	p.h = mix(w.seed ^ mix(uint64(i)+1))
	p.core = w.isCore(i)
	p.joined, p.left = w.joined(i), w.left(i)
	p.kind = w.kindOf(i, p.h, p.core)
	p.enabled = p.kind != kindShared && (p.core || i != 7 && p.h%33 != 1)
	p.created = w.createdDay(p)
	p.place = nil
	w.fillPlace(p)
	p.swaps, p.swapDay = w.turns(w.swaps, w.swapping, i, day)
	w.fillHoldings(p)
}

// kindOf deals the kinds; the first few are fixed so that the smallest tenant
// shows each.
func (w *world) kindOf(i int, h uint64, core bool) int {
	switch {
	case core, i == 7:
		return kindMember
	case i == 1:
		return kindShared
	case i == 3, i == 5:
		return kindGuest
	}
	switch r := h >> 32 % 100; {
	case r < 86:
		return kindMember
	case r < 93:
		return kindGuest
	case r < 97:
		return kindShared
	default:
		return kindResource
	}
}

func (w *world) createdDay(p *person) int {
	if p.joined > -never {
		return p.joined
	}
	d := sub(p.h, saltDates)
	if !p.core && d%50 == 0 {
		return -1 - int(d>>8%29) // some are new without having joined since day 0
	}
	created := -60 - int(d>>8%2800)
	if p.left <= created {
		return p.left - 40
	}
	return created
}

// nameStride deals the pairs of names in an order that looks random. It is a
// prime above pairCount, so that each run of pairCount people uses every pair
// once and names stay unique with a number behind the repeats.
const nameStride = 99991

func (w *world) fillPlace(p *person) {
	n := (p.idx*nameStride + int(w.seed%nameStride)) % pairCount
	first, last, c := pair(n)
	p.first, p.last, p.twin = first, last, p.idx/pairCount
	r := sub(p.h, saltPlace)
	p.place = &places[c.countries[r%uint64(len(c.countries))]]
	p.city = p.place.cities[r>>8%uint64(len(p.place.cities))]
	p.extra = nil
	if p.kind != kindMember {
		p.dept = nil
		return
	}
	moves, _ := w.turns(w.moves, w.moving, p.idx, p.day)
	p.dept = &departments[(int(r>>16%uint64(len(departments)))+moves)%len(departments)]
	renames, _ := w.turns(w.renames, w.renaming, p.idx, p.day)
	if renames%2 == 1 {
		// A marriage adds a surname and a divorce takes it off again, so that
		// an address that was ever handed out never becomes another person's.
		p.extra = &c.last[(n+renames)%len(c.last)]
		if p.extra == last {
			p.extra = &c.last[(n+renames+1)%len(c.last)]
		}
	}
}

// usageLocation is empty for the few who have none: they cannot be assigned a
// licence that is restricted by country.
func (p *person) usageLocation() string {
	if p.kind == kindGuest || p.kind == kindResource || !p.core && p.h%61 == 7 {
		return ""
	}
	return p.place.code
}

// upn is the user principal name, valid until the next call.
func (w *world) upn(p *person) []byte {
	b := p.upnText[:0]
	switch p.kind {
	case kindShared:
		b = appendNumbered(append(b, sharedNames[p.idx/2%len(sharedNames)].slug...), p.idx-1)
	case kindResource:
		b = appendNumbered(append(b, resourceNames[p.idx%len(resourceNames)].slug...), p.idx)
	default:
		if local := w.renamedTo(p); local != "" {
			b = append(b, local...)
		} else {
			b = append(b, p.first.slug...)
			b = append(b, '.')
			b = append(b, p.last.slug...)
			if p.extra != nil {
				b = append(b, '-')
				b = append(b, p.extra.slug...)
			}
			b = appendNumbered(b, p.twin)
		}
		if p.kind == kindGuest {
			b = append(b, guestTails[p.idx%len(guestTails)]...)
			b = append(b, w.domain...)
			p.upnText = b
			return b
		}
	}
	b = append(b, '@')
	b = append(b, w.domain...)
	p.upnText = b
	return b
}

func appendNumbered(b []byte, n int) []byte {
	if n <= 0 {
		return b
	}
	return strconv.AppendInt(b, int64(n), 10)
}

// appendDisplay writes the display name, unescaped.
func (w *world) appendDisplay(b []byte, p *person) []byte {
	switch p.kind {
	case kindShared:
		b = append(b, sharedNames[p.idx/2%len(sharedNames)].shown...)
		return appendSpaced(b, p.idx-1)
	case kindResource:
		b = append(b, resourceNames[p.idx%len(resourceNames)].shown...)
		return appendSpaced(b, p.idx)
	}
	b = append(b, p.first.shown...)
	b = append(b, ' ')
	b = append(b, p.last.shown...)
	if p.extra != nil {
		b = append(b, '-')
		b = append(b, p.extra.shown...)
	}
	if p.kind == kindGuest {
		return append(b, " (Guest)"...)
	}
	if p.idx == 8 || p.idx == 40 {
		return append(b, " 🌻"...) // names carry characters outside the basic plane
	}
	return b
}

func appendSpaced(b []byte, n int) []byte {
	if n <= 0 {
		return b
	}
	return strconv.AppendInt(append(b, ' '), int64(n), 10)
}

func (w *world) appendID(b []byte, p *person) []byte { return appendGUID(b, p.h^saltID) }
