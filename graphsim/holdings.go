package graphsim

// Errors of a group's licence assignment, as licenseAssignmentStates spells
// them (Microsoft docs: licenseAssignmentState resource type).
const (
	errNone = iota
	errCount
	errExclusive
	errLocation
	errUniqueness
	errOther
)

var assignErrors = []string{"None", "CountViolation", "MutuallyExclusiveViolation", "ProhibitedInUsageLocationViolation", "UniquenessViolation", "Other"}

// holding is one SKU of one person with up to two paths: assigned directly and
// inherited from a group. Masks have a bit per plan of the SKU.
type holding struct {
	sku              int
	direct, viaGroup bool
	groupErr         int
	directOff        uint32
	groupOff         uint32
	directDay        int
	groupDay         int
	hidden           bool // the states omit this licence, as the service has been seen to do
}

// held tells whether the licence is in effect: an errored group path gives
// nothing by itself.
func (h *holding) held() bool {
	return h.direct || h.viaGroup && (h.groupErr == errNone || h.groupErr == errOther)
}

// off is the mask of plans that no path turns on.
func (h *holding) off() uint32 {
	inherits := h.viaGroup && (h.groupErr == errNone || h.groupErr == errOther)
	switch {
	case h.direct && inherits:
		return h.directOff & h.groupOff
	case h.direct:
		return h.directOff
	default:
		return h.groupOff
	}
}

func (p *person) hold(sku int) *holding {
	day := p.created + int(sub(p.h, uint64(sku))%30)
	if p.joined > -never || day >= 0 {
		day = p.created
	}
	p.holds = append(p.holds, holding{sku: sku, directDay: day, groupDay: day})
	return &p.holds[len(p.holds)-1]
}

// fillHoldings deals the licences.
func (w *world) fillHoldings(p *person) {
	p.holds = p.holds[:0]
	switch p.kind {
	case kindGuest:
		if p.idx == 3 || p.h%12 == 0 {
			p.hold(skuE1).direct = true
		}
	case kindShared:
		if p.idx == 1 || p.h%7 == 0 {
			p.hold(skuE1).direct = true // a shared mailbox needs no licence: waste to be found
		}
	case kindResource:
		if p.h%5 == 0 {
			p.hold(skuPowerBIFree).direct = true
		}
	default:
		w.fillMember(p)
	}
	w.dropGone(p)
}

const tierNone = -1

// tierOf is the suite a member holds, after all reassignments so far.
func (w *world) tierOf(p *person) int {
	tier := skuE3
	switch r := sub(p.h, saltTier) % 100; {
	case p.core && p.idx < 7*coreEvery:
		tier = skuE3
	case r < 44:
	case r < 58:
		tier = skuE5
	case r < 78:
		tier = skuF3
	case r < 86:
		tier = skuE1
	case r < 90:
		if p.idx < 4000 { // Business Premium is limited to 300 seats a tenant
			tier = skuBusiness
		}
	case !p.core:
		return tierNone
	}
	if p.swaps%2 == 0 {
		return tier
	}
	if tier == skuE3 {
		return skuE5
	}
	return skuE3
}

func (w *world) fillMember(p *person) {
	x := sub(p.h, saltExtra)
	tier := w.tierOf(p)
	if tier == tierNone {
		if p.enabled && x%5 < 2 {
			p.hold(skuTeamsTrial).direct = true
		}
		w.fillFree(p, x)
		return
	}
	w.fillTier(p, tier)
	if tier == skuE3 || tier == skuE5 || tier == skuBusiness {
		w.fillCopilot(p, x)
	}
	if tier == skuE1 && x>>4%10 < 6 {
		p.hold(skuEMS).direct = true
	}
	switch v := x >> 8 % 200; {
	case v < 6, p.idx == 16:
		p.hold(skuVisio).viaGroup = true
	case v < 9:
		p.hold(skuVisio).direct = true
	}
	if x>>16%100 < 3 || p.idx == 0 || p.idx == 8 {
		p.hold(skuProject).direct = true
	}
	if x>>24%100 < 5 || p.idx == 32 {
		p.hold(skuPowerBIPro).viaGroup = true // doubled where the suite is E5, which includes it
	}
	if tier == skuE3 && (x>>32%100 < 3 || p.idx == 16) {
		p.hold(skuOldE3).direct = true // left over from before the suite was bought
	}
	w.fillFree(p, x)
}

// fillFree deals what people sign up for by themselves.
func (w *world) fillFree(p *person, x uint64) {
	if x>>40%100 < 12 {
		p.hold(skuPowerBIFree).direct = true
	}
	if x>>48%100 < 15 {
		p.hold(skuFlow).direct = true
	}
}

func (w *world) fillTier(p *person, tier int) {
	h := p.hold(tier)
	path := sub(p.h, saltPath)
	switch r := path % 100; {
	case r < 68 && tier != skuBusiness:
		h.viaGroup = true
	case r < 91:
		h.direct = true
	default:
		h.direct, h.viaGroup = true, tier != skuBusiness
	}
	if p.swaps > 0 {
		h.directDay, h.groupDay = p.swapDay, p.swapDay
	}
	if h.viaGroup {
		h.groupOff = w.groupOff(tier)
	}
	if h.direct && path>>8%9 == 0 {
		h.directOff = planBits[tier].yammer
	}
	h.hidden = !p.core && path>>16%997 == 3
	if p.core || tier != skuE3 {
		return
	}
	switch e := path >> 24 % 1800; {
	case h.viaGroup && e == 5:
		h.groupErr = errOther
	case h.viaGroup && !h.direct && e == 7:
		h.groupErr = errUniqueness
	case h.direct && !h.viaGroup && e < 40:
		// A second suite from a group whose plans exclude the first one's.
		clash := p.hold(skuE1)
		clash.viaGroup, clash.groupErr, clash.groupOff = true, errExclusive, w.groupOff(skuE1)
	}
}

func (w *world) fillCopilot(p *person, x uint64) {
	switch v := x >> 56; {
	case v < 46, p.idx == 0, p.idx == 8, p.idx == 24:
		h := p.hold(skuCopilot)
		h.viaGroup = true
		switch {
		case p.place.code == "CN":
			h.groupErr = errLocation
		case x%7 == 3 && p.idx != 0 || p.idx == 8:
			h.groupErr = errCount // the group has more members than there are units
		}
	case v < 52:
		p.hold(skuCopilot).direct = true
	}
}

// groupOff is the mask of plans the licensed group of a SKU turns off.
func (w *world) groupOff(sku int) uint32 {
	switch sku {
	case skuE1:
		return planBits[sku].yammer
	case skuF3:
		return planBits[sku].yammer | planBits[sku].sway
	}
	return 0
}

// planBits holds the masks of the plans that paths turn off.
var planBits = func() (out [skuCount]struct{ yammer, sway uint32 }) {
	for s := range out {
		out[s].yammer, out[s].sway = planBit(s, planYammer), planBit(s, planSway)
	}
	return
}()

// workloads is the union of what the plans in effect allow the person to use.
func (p *person) workloads() loads {
	var out loads
	for i := range p.holds {
		if h := &p.holds[i]; h.held() {
			off := h.off()
			for n, plan := range products[h.sku].plans {
				if off>>n&1 == 0 {
					out |= plans[plan].loads
				}
			}
		}
	}
	return out
}

// licensed tells whether any licence is in effect.
func (p *person) licensed() bool {
	for i := range p.holds {
		if p.holds[i].held() {
			return true
		}
	}
	return false
}
