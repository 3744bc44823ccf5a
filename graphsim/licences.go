package graphsim

// The three ways in which a user shows their licences (Microsoft docs:
// assignedLicense, licenseAssignmentState and assignedPlan resource types).

func appendAssignedLicenses(w *world, b []byte, p *person) []byte {
	b = append(b, '[')
	first := true
	for i := range p.holds {
		h := &p.holds[i]
		if !h.held() {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, `{"disabledPlans":`...)
		b = appendPlanIDs(b, h.sku, h.off())
		b = append(b, `,"skuId":"`...)
		b = append(b, products[h.sku].id...)
		b = append(b, `"}`...)
	}
	return append(b, ']')
}

func appendPlanIDs(b []byte, sku int, mask uint32) []byte {
	b = append(b, '[')
	if mask != 0 {
		first := true
		for n, id := range products[sku].plans {
			if mask>>n&1 == 0 {
				continue
			}
			if !first {
				b = append(b, ',')
			}
			first = false
			b = append(b, '"')
			b = append(b, plans[id].id...)
			b = append(b, '"')
		}
	}
	return append(b, ']')
}

func appendAssignmentStates(w *world, b []byte, p *person) []byte {
	b = append(b, '[')
	first := true
	for i := range p.holds {
		h := &p.holds[i]
		if h.hidden {
			continue
		}
		if h.direct {
			if !first {
				b = append(b, ',')
			}
			first = false
			b = w.appendState(b, p, h, nil)
		}
		if h.viaGroup {
			if !first {
				b = append(b, ',')
			}
			first = false
			b = w.appendState(b, p, h, w.groupFor(h.sku))
		}
	}
	return append(b, ']')
}

// appendState writes one path; a nil group is the direct one.
func (w *world) appendState(b []byte, p *person, h *holding, g *group) []byte {
	off, day, fault, state := h.directOff, h.directDay, errNone, "Active"
	if g == nil {
		b = append(b, `{"assignedByGroup":null,"disabledPlans":`...)
	} else {
		off, day, fault = h.groupOff, h.groupDay, h.groupErr
		b = append(b, `{"assignedByGroup":"`...)
		b = append(b, g.id...)
		b = append(b, `","disabledPlans":`...)
	}
	if fault == errOther {
		state = "ActiveWithError"
	} else if fault != errNone {
		state = "Error"
	}
	because := assignErrors[fault]
	if e := w.edits.Load(); e != nil {
		if given, ok := e.states[[2]int{p.idx, h.sku}]; ok {
			state, because = given[0], given[1]
		}
	}
	b = appendPlanIDs(b, h.sku, off)
	b = append(b, `,"error":"`...)
	b = append(b, because...)
	b = append(b, `","lastUpdatedDateTime":"`...)
	b = w.cal.appendTime(b, day, p.h>>13+uint64(h.sku))
	b = append(b, `","skuId":"`...)
	b = append(b, products[h.sku].id...)
	b = append(b, `","state":"`...)
	b = append(b, state...)
	return append(b, `"}`...)
}

// planTails are the parts of an assigned plan that do not depend on the user,
// by plan, for enabled and for suspended products.
var planTails = func() (out [2][]string) {
	for s, status := range []string{"Enabled", "Suspended"} {
		for _, p := range plans {
			out[s] = append(out[s], `","capabilityStatus":"`+status+`","service":"`+p.service+`","servicePlanId":"`+p.id+`"}`)
		}
	}
	return
}()

// appendAssignedPlans lists each plan in effect once, whichever of the user's
// SKUs brought it first.
func appendAssignedPlans(w *world, b []byte, p *person) []byte {
	b = append(b, '[')
	var seen uint64
	var when [20]byte
	for i := range p.holds {
		h := &p.holds[i]
		if !h.held() {
			continue
		}
		day := h.groupDay
		if h.direct {
			day = h.directDay
		}
		stamp := w.cal.appendTime(when[:0], day, p.h>>13)
		tails := planTails[0]
		if h.sku == skuOldE3 {
			tails = planTails[1]
		}
		off := h.off()
		for n, id := range products[h.sku].plans {
			if off>>n&1 == 1 || seen>>id&1 == 1 {
				continue
			}
			if seen != 0 {
				b = append(b, ',')
			}
			seen |= 1 << id
			b = append(b, `{"assignedDateTime":"`...)
			b = append(b, stamp...)
			b = append(b, tails[id]...)
		}
	}
	return append(b, ']')
}

// appendSignIn writes the sign-in times. They count attempts, so they run a
// little ahead of what the reports call activity.
func appendSignIn(w *world, b []byte, p *person) []byte {
	var a activity
	w.fillActivity(&a, p, p.day, 30)
	last := a.latest(^useSkype)
	if last == none {
		return append(b, "null"...)
	}
	id := guid(p.h ^ saltRequest)
	write := func(b []byte, name string, day int, second uint64) []byte {
		b = append(b, `"last`...)
		b = append(b, name...)
		b = append(b, `DateTime":"`...)
		b = w.cal.appendTime(b, day, second)
		b = append(b, `","last`...)
		b = append(b, name...)
		b = append(b, `RequestId":"`...)
		b = append(b, id...)
		return append(b, '"')
	}
	b = append(b, '{')
	b = write(b, "SignIn", last, p.h>>3)
	b = append(b, ',')
	b = write(b, "NonInteractiveSignIn", last, p.h>>5)
	b = append(b, ',')
	b = write(b, "SuccessfulSignIn", last, p.h>>3)
	return append(b, '}')
}
