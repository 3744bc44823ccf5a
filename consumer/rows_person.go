package consumer

import (
	"time"

	"github.com/google/uuid"

	"github.com/seatstream/seatstream/schemas"
)

// deletedUserRows are the rows of deleted_user_changes.
type deletedUserRows struct {
	envelopes
	id                                                      []uuid.UUID
	upn, name, mail, userType, department, company, unknown []string
	enabled                                                 []*bool
	created, gone                                           []*time.Time
	skus                                                    [][]uuid.UUID
	skuDisabled                                             [][][]uuid.UUID
}

func (r *deletedUserRows) table() string { return "deleted_user_changes" }

func (r *deletedUserRows) add(env *schemas.Envelope, seq uint64, body []byte) error {
	k, err := parseKey(env)
	if err != nil {
		return err
	}
	var u schemas.DeletedUser
	if err := schemas.Decode(body, &u); err != nil {
		return err
	}
	created, err := when("createdDateTime", u.CreatedDateTime)
	if err != nil {
		return err
	}
	gone, err := when("deletedDateTime", u.DeletedDateTime)
	if err != nil {
		return err
	}
	skus, disabled, err := licenses(u.AssignedLicenses)
	if err != nil {
		return err
	}
	r.envelopes.add(k.tenant, env, seq)
	r.id = append(r.id, k.entity)
	r.upn, r.name, r.mail = append(r.upn, u.UserPrincipalName), append(r.name, u.DisplayName), append(r.mail, u.Mail)
	r.enabled, r.userType = append(r.enabled, boolean(u.AccountEnabled)), append(r.userType, u.UserType)
	r.department, r.company = append(r.department, u.Department), append(r.company, u.CompanyName)
	r.created, r.gone = append(r.created, created), append(r.gone, gone)
	r.skus, r.skuDisabled = append(r.skus, skus), append(r.skuDisabled, disabled)
	r.unknown = append(r.unknown, string(u.Unknown))
	return nil
}

func (r *deletedUserRows) columns() ([]string, []any) {
	return r.with([]string{
		"user_id", "user_principal_name", "display_name", "mail", "account_enabled", "user_type", "department", "company_name",
		"created_at", "deleted_at", "sku_ids", "sku_disabled_plans", "unknown",
	}, []any{
		r.id, r.upn, r.name, r.mail, r.enabled, r.userType, r.department, r.company,
		r.created, r.gone, r.skus, r.skuDisabled, r.unknown,
	})
}

// signInRows are the rows of sign_in_changes.
type signInRows struct {
	envelopes
	id                               []uuid.UUID
	last, nonInteractive, successful []*time.Time
	unknown                          []string
}

func (r *signInRows) table() string { return "sign_in_changes" }

func (r *signInRows) add(env *schemas.Envelope, seq uint64, body []byte) error {
	k, err := parseKey(env)
	if err != nil {
		return err
	}
	var s schemas.SignIn
	if err := schemas.Decode(body, &s); err != nil {
		return err
	}
	last, err := when("lastSignInDateTime", s.LastSignInDateTime)
	if err != nil {
		return err
	}
	nonInteractive, err := when("lastNonInteractiveSignInDateTime", s.LastNonInteractiveSignInDateTime)
	if err != nil {
		return err
	}
	successful, err := when("lastSuccessfulSignInDateTime", s.LastSuccessfulSignInDateTime)
	if err != nil {
		return err
	}
	r.envelopes.add(k.tenant, env, seq)
	r.id = append(r.id, k.entity)
	r.last, r.nonInteractive = append(r.last, last), append(r.nonInteractive, nonInteractive)
	r.successful, r.unknown = append(r.successful, successful), append(r.unknown, string(s.Unknown))
	return nil
}

func (r *signInRows) columns() ([]string, []any) {
	return r.with(
		[]string{"user_id", "last_sign_in_at", "last_non_interactive_sign_in_at", "last_successful_sign_in_at", "unknown"},
		[]any{r.id, r.last, r.nonInteractive, r.successful, r.unknown})
}
