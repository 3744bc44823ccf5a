package consumer

import (
	"time"

	"github.com/google/uuid"

	"github.com/seatstream/seatstream/schemas"
)

// skuRows are the rows of sku_changes.
type skuRows struct {
	envelopes
	id                                                  []uuid.UUID
	part, appliesTo, status, unknown                    []string
	consumed, enabled, warning, suspended, lockedOut    []int64
	plans                                               [][]uuid.UUID
	planNames, planStates, planAppliesTo, subscriptions [][]string
}

func (r *skuRows) table() string { return "sku_changes" }

func (r *skuRows) add(env *schemas.Envelope, seq uint64, body []byte) error {
	k, err := parseKey(env)
	if err != nil {
		return err
	}
	var s schemas.SKU
	if err := schemas.Decode(body, &s); err != nil {
		return err
	}
	n := len(s.ServicePlans)
	ids, names, states, applies := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, p := range s.ServicePlans {
		ids[i], names[i], states[i], applies[i] = p.ServicePlanID, p.ServicePlanName, p.ProvisioningStatus, p.AppliesTo
	}
	plans, err := guids("servicePlans.servicePlanId", ids)
	if err != nil {
		return err
	}
	r.envelopes.add(k.tenant, env, seq)
	r.id = append(r.id, k.entity)
	r.part, r.appliesTo, r.status = append(r.part, s.SKUPartNumber), append(r.appliesTo, s.AppliesTo), append(r.status, s.CapabilityStatus)
	r.consumed, r.enabled = append(r.consumed, s.ConsumedUnits), append(r.enabled, s.PrepaidUnits.Enabled)
	r.warning, r.suspended = append(r.warning, s.PrepaidUnits.Warning), append(r.suspended, s.PrepaidUnits.Suspended)
	r.lockedOut = append(r.lockedOut, s.PrepaidUnits.LockedOut)
	r.plans, r.planNames, r.planStates = append(r.plans, plans), append(r.planNames, names), append(r.planStates, states)
	r.planAppliesTo, r.subscriptions = append(r.planAppliesTo, applies), append(r.subscriptions, s.SubscriptionIDs)
	r.unknown = append(r.unknown, string(s.Unknown))
	return nil
}

func (r *skuRows) columns() ([]string, []any) {
	return r.with([]string{
		"sku_id", "sku_part_number", "applies_to", "capability_status", "consumed_units", "enabled_units", "warning_units",
		"suspended_units", "locked_out_units", "plan_ids", "plan_names", "plan_states", "plan_applies_to", "subscription_ids", "unknown",
	}, []any{
		r.id, r.part, r.appliesTo, r.status, r.consumed, r.enabled, r.warning,
		r.suspended, r.lockedOut, r.plans, r.planNames, r.planStates, r.planAppliesTo, r.subscriptions, r.unknown,
	})
}

// subscriptionRows are the rows of subscription_changes.
type subscriptionRows struct {
	envelopes
	id, part, status, unknown []string
	sku                       []*uuid.UUID
	trial                     []*bool
	total                     []int64
	created, next             []*time.Time
}

func (r *subscriptionRows) table() string { return "subscription_changes" }

func (r *subscriptionRows) add(env *schemas.Envelope, seq uint64, body []byte) error {
	tenant, err := uuid.Parse(env.Subject.Tenant)
	if err != nil {
		return err
	}
	var s schemas.Subscription
	if err := schemas.Decode(body, &s); err != nil {
		return err
	}
	var sku *uuid.UUID
	if s.SKUID != "" {
		id, err := uuid.Parse(s.SKUID)
		if err != nil {
			return err
		}
		sku = &id
	}
	created, err := when("createdDateTime", s.CreatedDateTime)
	if err != nil {
		return err
	}
	next, err := when("nextLifecycleDateTime", s.NextLifecycleDateTime)
	if err != nil {
		return err
	}
	r.envelopes.add(tenant, env, seq)
	r.id, r.part, r.status = append(r.id, env.Subject.Entity), append(r.part, s.SKUPartNumber), append(r.status, s.Status)
	r.sku, r.trial, r.total = append(r.sku, sku), append(r.trial, boolean(s.IsTrial)), append(r.total, s.TotalLicenses)
	r.created, r.next = append(r.created, created), append(r.next, next)
	r.unknown = append(r.unknown, string(s.Unknown))
	return nil
}

func (r *subscriptionRows) columns() ([]string, []any) {
	return r.with(
		[]string{"subscription_id", "sku_id", "sku_part_number", "status", "is_trial", "total_licenses", "created_at", "next_lifecycle_at", "unknown"},
		[]any{r.id, r.sku, r.part, r.status, r.trial, r.total, r.created, r.next, r.unknown})
}

// licenceRows are the rows of licence_changes.
type licenceRows struct {
	envelopes
	user, sku                 []uuid.UUID
	change, unknown           []string
	heldBefore, heldAfter     []bool
	statesBefore, statesAfter [][]string
	plansBefore, plansAfter   [][]uuid.UUID
}

func (r *licenceRows) table() string { return "licence_changes" }

func (r *licenceRows) add(env *schemas.Envelope, seq uint64, body []byte) error {
	tenant, user, sku, err := parsePair(env)
	if err != nil {
		return err
	}
	var l schemas.Licence
	if err := schemas.Decode(body, &l); err != nil {
		return err
	}
	before, err := guids("before.disabledPlans", l.Before.DisabledPlans)
	if err != nil {
		return err
	}
	after, err := guids("after.disabledPlans", l.After.DisabledPlans)
	if err != nil {
		return err
	}
	r.envelopes.add(tenant, env, seq)
	r.user, r.sku = append(r.user, user), append(r.sku, sku)
	r.change = append(r.change, l.Change)
	r.heldBefore, r.heldAfter = append(r.heldBefore, l.Before.Held), append(r.heldAfter, l.After.Held)
	r.statesBefore, r.statesAfter = append(r.statesBefore, l.Before.States), append(r.statesAfter, l.After.States)
	r.plansBefore, r.plansAfter = append(r.plansBefore, before), append(r.plansAfter, after)
	r.unknown = append(r.unknown, string(l.Unknown))
	return nil
}

func (r *licenceRows) columns() ([]string, []any) {
	return r.with([]string{
		"user_id", "sku_id", "change", "held_before", "held_after", "states_before", "states_after",
		"disabled_plans_before", "disabled_plans_after", "unknown",
	}, []any{
		r.user, r.sku, r.change, r.heldBefore, r.heldAfter, r.statesBefore, r.statesAfter,
		r.plansBefore, r.plansAfter, r.unknown,
	})
}
