package graphsim

// mix is the finaliser of splitmix64: a cheap bijection that spreads every
// input bit over the whole word.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Salts keep the questions asked of one hash independent of one another.
const (
	saltID uint64 = (iota + 1) * 0x01f3_5d9b_4e01_9a37
	saltTier
	saltPath
	saltExtra
	saltPlace
	saltDates
	saltHabit
	saltCount
	saltConceal
	saltGroup
	saltTenant
	saltSubscription
	saltSecret
	saltApp
	saltRequest
	saltLate
)

func sub(h, salt uint64) uint64 { return mix(h ^ salt) }

const hexDigits = "0123456789abcdef"

// appendGUID writes a version 4 GUID in lower case made of the hash.
func appendGUID(b []byte, h uint64) []byte {
	hi, lo := mix(h), mix(h+1)
	hi = hi&^0xf000 | 0x4000
	lo = lo&^(3<<62) | 2<<62
	var t [36]byte
	at := 0
	for i := 0; i < 16; i++ {
		if i == 8 {
			hi = lo
		}
		v := byte(hi >> 56)
		hi <<= 8
		if i == 4 || i == 6 || i == 8 || i == 10 {
			t[at] = '-'
			at++
		}
		t[at] = hexDigits[v>>4]
		t[at+1] = hexDigits[v&15]
		at += 2
	}
	return append(b, t[:]...)
}

func guid(h uint64) string { return string(appendGUID(nil, h)) }

// appendUpperHex writes 32 upper-case hex digits, the form of a concealed name
// in a usage report.
func appendUpperHex(b []byte, h uint64) []byte {
	for _, v := range [2]uint64{mix(h), mix(h + 1)} {
		for s := 60; s >= 0; s -= 4 {
			b = append(b, "0123456789ABCDEF"[v>>s&15])
		}
	}
	return b
}

// shuffle visits 0..n-1 in a scattered order that can be computed both ways,
// so that "which index does the k-th event hit" and "which event hits this
// index" are both answered without a table.
type shuffle struct{ n, mul, inv, add uint64 }

func newShuffle(n int, seed uint64) shuffle {
	if n < 1 {
		n = 1
	}
	s := shuffle{n: uint64(n), mul: 1, inv: 1}
	s.add = mix(seed) % s.n
	for m := s.n*61/100 | 1; m < 2*s.n; m++ {
		if inv, ok := inverse(m%s.n, s.n); ok {
			s.mul, s.inv = m%s.n, inv
			break
		}
	}
	return s
}

// at is the index of event k.
func (s shuffle) at(k int) int { return int((uint64(k)%s.n*s.mul + s.add) % s.n) }

// rank is the k of the first event that hits index i.
func (s shuffle) rank(i int) int { return int((uint64(i) + s.n - s.add) % s.n * s.inv % s.n) }

// inverse finds x with a*x = 1 (mod n).
func inverse(a, n uint64) (uint64, bool) {
	if n == 1 {
		return 0, true
	}
	r0, r1, t0, t1 := int64(n), int64(a), int64(0), int64(1)
	for r1 != 0 {
		q := r0 / r1
		r0, r1 = r1, r0-q*r1
		t0, t1 = t1, t0-q*t1
	}
	if r0 != 1 {
		return 0, false
	}
	return uint64((t0 + int64(n)) % int64(n)), true
}
