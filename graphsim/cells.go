package graphsim

// Cells shared by the user reports.

func cellRefresh(b []byte, r *row) []byte { return r.w.cal.appendDate(b, r.day) }
func cellPeriod(b []byte, r *row) []byte  { return append(b, r.period...) }

// cellUPN writes the name the person had on the day of the data, which after a
// rename is not the one of the directory.
func cellUPN(b []byte, r *row) []byte { return r.appendUPN(b, &r.p) }

func (r *row) appendUPN(b []byte, p *person) []byte {
	if r.conceal {
		return appendUpperHex(b, p.h^saltConceal)
	}
	return append(b, r.w.upn(p)...)
}

func cellDisplay(b []byte, r *row) []byte {
	if r.conceal {
		return appendUpperHex(b, r.p.h^saltConceal+1)
	}
	r.scratch = r.w.appendDisplay(r.scratch[:0], &r.p)
	return appendCSV(b, r.scratch)
}

const zeroGUID = "00000000-0000-0000-0000-000000000000"

func cellUserID(b []byte, r *row) []byte {
	if r.conceal {
		return append(b, zeroGUID...)
	}
	return r.w.appendID(b, &r.p)
}

func cellDeleted(b []byte, r *row) []byte { return appendTrueFalse(b, r.p.left <= r.day) }

func cellDeletedDate(b []byte, r *row) []byte {
	if r.p.left > r.day {
		return b
	}
	return r.w.cal.appendDate(b, r.p.left)
}

func cellProducts(b []byte, r *row) []byte {
	out := r.scratch[:0]
	for i := range r.p.holds {
		if h := &r.p.holds[i]; h.held() {
			if len(out) > 0 {
				out = append(out, '+')
			}
			out = append(out, products[h.sku].title...)
		}
	}
	r.scratch = out
	return appendCSV(b, out)
}

func cellZero(b []byte, _ *row) []byte  { return append(b, '0') }
func cellEmpty(b []byte, _ *row) []byte { return b }
func cellNo(b []byte, _ *row) []byte    { return append(b, "No"...) }

func (r *row) appendDay(b []byte, day int) []byte {
	if day == none {
		return b
	}
	return r.w.cal.appendDate(b, day)
}

// cellLast is the newest use of any of the workloads.
func cellLast(set loads) func([]byte, *row) []byte {
	return func(b []byte, r *row) []byte { return r.appendDay(b, r.a.latest(set)) }
}

// cellCount is a counter of a workload over the period; what tells the
// counters of one workload apart, most is the highest per day of use, and
// share (percent) is how many people do it at all.
func cellCount(load loads, what, most int, share uint64) func([]byte, *row) []byte {
	return func(b []byte, r *row) []byte {
		if mix(r.p.h^saltCount^uint64(what)<<32)%100 >= share {
			return append(b, '0')
		}
		return appendInt(b, r.a.count(&r.p, load, what, most))
	}
}

func cellHas(set loads) func([]byte, *row) []byte {
	return func(b []byte, r *row) []byte { return appendTrueFalse(b, r.p.workloads()&set != 0) }
}

func cellLicensed(set loads) func([]byte, *row) []byte {
	return func(b []byte, r *row) []byte { return appendYesNo(b, r.p.workloads()&set != 0) }
}

// cellAssigned is when the licence for a workload was assigned.
func cellAssigned(set loads) func([]byte, *row) []byte {
	return func(b []byte, r *row) []byte {
		for i := range r.p.holds {
			h := &r.p.holds[i]
			if !h.held() {
				continue
			}
			for n, id := range products[h.sku].plans {
				if plans[id].loads&set == 0 || h.off()>>n&1 == 1 {
					continue
				}
				if h.direct {
					return r.w.cal.appendDate(b, h.directDay)
				}
				return r.w.cal.appendDate(b, h.groupDay)
			}
		}
		return b
	}
}

// cellUsed tells whether one of several devices of a workload was used.
func cellUsed(load loads, device uint64, share uint64) func([]byte, *row) []byte {
	at := loadIndex(load)
	return func(b []byte, r *row) []byte {
		return appendYesNo(b, r.a.days[at] > 0 && mix(r.p.h^saltCount^device<<40)%100 < share)
	}
}

// seconds of a kind of call in Teams over the period.
func (r *row) seconds(what int) int {
	return r.a.count(&r.p, useTeams, 20+what, 7) * (60 + int(r.p.h>>8%1800))
}

func cellDuration(what int) func([]byte, *row) []byte {
	return func(b []byte, r *row) []byte { return appendDuration(b, r.seconds(what)) }
}

func cellSeconds(what int) func([]byte, *row) []byte {
	return func(b []byte, r *row) []byte { return appendInt(b, r.seconds(what)) }
}

// apps is a bit per application and platform used in the period, platform
// times six plus application.
func (r *row) apps() uint32 {
	if r.a.days[loadIndex(useApps)] == 0 {
		return 0
	}
	v := uint32(mix(r.p.h ^ saltCount ^ 77))
	platform := uint32(0x3f) // Windows
	if v>>30 == 3 {
		platform = 0x3f << 6 // Mac
	}
	out := v&0xffffff&(platform|0x3f<<12|0x3f<<18) | 1&platform
	if platform != 0x3f {
		out |= 1 << 6
	}
	return out
}

func cellApps(mask uint32) func([]byte, *row) []byte {
	return func(b []byte, r *row) []byte { return appendTrueFalse(b, r.apps()&mask != 0) }
}

// cellSize is a growing amount: so much a day since the account was made.
func cellSize(what uint64, perDay uint64) func([]byte, *row) []byte {
	return func(b []byte, r *row) []byte { return appendInt(b, int(r.grown(what, perDay))) }
}

func (r *row) grown(what, perDay uint64) uint64 {
	until := min(r.day, r.p.left)
	if until <= r.p.created {
		return 0
	}
	return uint64(until-r.p.created) * (1 + mix(r.p.h^saltCount^what<<48)%perDay)
}

func cellFixed(text string) func([]byte, *row) []byte {
	return func(b []byte, _ *row) []byte { return append(b, text...) }
}
