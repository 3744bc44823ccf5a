package schemas

import (
	"github.com/go-json-experiment/json/jsontext"
)

// DeletedUser is seatstream.deleted_user.v1: a user in the directory's recycle bin, from
// where it can be restored for thirty days
// (https://learn.microsoft.com/graph/api/directory-deleteditems-list). Graph puts the id
// in front of the principal name of a deleted user; it is kept as it came.
type DeletedUser struct {
	ID                string            `json:"id"`
	UserPrincipalName string            `json:"userPrincipalName,omitzero"`
	DisplayName       string            `json:"displayName,omitzero"`
	Mail              string            `json:"mail,omitzero"`
	AccountEnabled    Tristate          `json:"accountEnabled,omitzero"`
	UserType          string            `json:"userType,omitzero"`
	Department        string            `json:"department,omitzero"`
	CompanyName       string            `json:"companyName,omitzero"`
	CreatedDateTime   string            `json:"createdDateTime,omitzero"`
	DeletedDateTime   string            `json:"deletedDateTime,omitzero"`
	AssignedLicenses  []AssignedLicense `json:"assignedLicenses,omitzero"`
	Unknown           jsontext.Value    `json:",embed"`
}

// Entity is the last token of the record's subject.
func (u *DeletedUser) Entity() string { return u.ID }

// Normalize brings the record into its one form.
func (u *DeletedUser) Normalize() {
	u.ID = GUID(u.ID)
	normalizeLicenses(u.AssignedLicenses)
	u.Unknown = dropAnnotations(u.Unknown)
}

// SignIn is seatstream.sign_in.v1: when a user last signed in, as Graph knows it
// (https://learn.microsoft.com/graph/api/resources/signinactivity). A time that is left
// out is one that Graph does not know, which is not the same as never.
// LastSignInDateTime counts attempts, failed ones too; LastSuccessfulSignInDateTime has
// nothing from before December 2023.
type SignIn struct {
	ID                               string         `json:"id"` // of the user
	LastSignInDateTime               string         `json:"lastSignInDateTime,omitzero"`
	LastNonInteractiveSignInDateTime string         `json:"lastNonInteractiveSignInDateTime,omitzero"`
	LastSuccessfulSignInDateTime     string         `json:"lastSuccessfulSignInDateTime,omitzero"`
	Unknown                          jsontext.Value `json:",embed"`
}

// Entity is the last token of the record's subject.
func (s *SignIn) Entity() string { return s.ID }

// Normalize brings the record into its one form.
func (s *SignIn) Normalize() {
	s.ID = GUID(s.ID)
	s.Unknown = dropAnnotations(s.Unknown)
}
