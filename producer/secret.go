package producer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/seatstream/seatstream/producer/graph"
	"github.com/seatstream/seatstream/schemas"
)

// SecretRef says where a secret is found: env:NAME, file:PATH, age:PATH or age: and armored
// text, or keyvault:ADDRESS. It is safe to log and to store; the secret itself never is.
type SecretRef string

// ErrSecretID tells that somebody pasted a secret's id for its value.
var ErrSecretID = errors.New("this is a GUID, so it is the Secret ID: give the secret's Value, which the portal shows once, when the secret is made (App registrations > your app > Certificates & secrets > New client secret)")

// SecretForms are the forms of a reference, for help texts.
const SecretForms = "env:NAME, file:PATH, age:PATH or keyvault:https://NAME.vault.azure.net/secrets/SECRET"

// maxSecret bounds what is read of a file.
const maxSecret = 1 << 20

// Validate checks the form of the reference without resolving it. The error never
// repeats the text: it may be a secret pasted in the wrong place.
func (r SecretRef) Validate() error {
	scheme, rest, ok := strings.Cut(string(r), ":")
	switch {
	case r == "":
		return errors.New("missing: say where the secret is found, " + SecretForms)
	case schemas.IsGUID(schemas.GUID(string(r))):
		return ErrSecretID
	case ok && scheme == "keyvault":
		return graph.CheckVault(rest)
	case !ok || scheme != "env" && scheme != "file" && scheme != "age" || strings.TrimSpace(rest) == "":
		return errors.New("not a reference: a secret itself does not belong here; put it into an environment variable, a file or a vault and write " + SecretForms)
	}
	return nil
}

// armored is the text behind age: where it is the encrypted text itself and no path.
func (r SecretRef) armored() (string, bool) {
	text := strings.TrimSpace(strings.TrimPrefix(string(r), "age:"))
	return text, strings.HasPrefix(string(r), "age:") && strings.HasPrefix(text, armor.Header)
}

// Path returns the file that the reference names, and the reference to the same secret in
// another; ok is false where it names none.
func (r SecretRef) Path() (path string, in func(string) SecretRef, ok bool) {
	scheme, rest, _ := strings.Cut(string(r), ":")
	if _, inline := r.armored(); inline || scheme != "file" && scheme != "age" {
		return "", nil, false
	}
	return rest, func(p string) SecretRef { return SecretRef(scheme + ":" + p) }, true
}

// Secrets finds secrets. The zero value finds those in variables and files.
type Secrets struct {
	AgeIdentity string // file with the identities that decrypt age: references
	// Vault reads keyvault: references; graph.NewVault's Secret where nil.
	Vault func(ctx context.Context, address string) (string, error)
}

// Resolve reads the secret of an app from a variable or a file.
func (r SecretRef) Resolve() (string, error) { return (&Secrets{}).text("client secret", r) }

// text reads a secret that is text. It is called for every sign-in, so a rotated secret
// works without a restart. Errors name the place, never the content.
func (s *Secrets) text(what string, r SecretRef) (string, error) {
	content, err := s.read(what, r)
	if err != nil {
		return "", err
	}
	value := strings.TrimSpace(string(content))
	scheme, rest, _ := strings.Cut(string(r), ":")
	switch {
	case value == "" && scheme == "file":
		return "", fmt.Errorf("%s: file %s is empty: write the secret's Value into it", what, rest)
	case value == "":
		return "", fmt.Errorf("%s from %s: is empty", what, scheme)
	case schemas.IsGUID(schemas.GUID(value)):
		return "", fmt.Errorf("%s from %s: %w", what, scheme, ErrSecretID)
	}
	return value, nil
}

// Value reads a secret that is text of any form; what names it in errors.
func (s *Secrets) Value(what string, r SecretRef) (string, error) {
	content, err := s.read(what, r)
	return strings.TrimSpace(string(content)), err
}

// read reads what a reference leads to as it is.
func (s *Secrets) read(what string, r SecretRef) ([]byte, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	scheme, rest, _ := strings.Cut(string(r), ":")
	switch scheme {
	case "env":
		value := os.Getenv(rest)
		if value == "" {
			return nil, fmt.Errorf("%s: environment variable %s is not set or empty: set it to the secret's Value", what, rest)
		}
		return []byte(value), nil
	case "age":
		content, err := s.decrypt(r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		return content, nil
	case "keyvault":
		vault := s.Vault
		if vault == nil {
			vault = graph.NewVault().Secret
		}
		value, err := vault(context.Background(), rest) // bounded in time by itself
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		return []byte(value), nil
	}
	content, err := readSmall(rest)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: write the secret's Value into that file, readable by this user only", what, err)
	}
	return content, nil
}

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it is only read
	content, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err == nil && len(content) > maxSecret {
		err = fmt.Errorf("%s is larger than a secret can be", path)
	}
	return content, err
}

// decrypt reads an age: reference. What the library says of a malformed identity may
// repeat a part of it, so none of that is kept.
func (s *Secrets) decrypt(r SecretRef) ([]byte, error) {
	text, inline := r.armored()
	place := "age text of the configuration"
	if !inline {
		path, _, _ := r.Path()
		place = "age file " + path
		content, err := readSmall(path)
		if err != nil {
			return nil, err
		}
		text = string(content)
	}
	if s.AgeIdentity == "" {
		return nil, fmt.Errorf("%s: no identity to decrypt it: name the file of age-keygen in age_identity or SEATSTREAM_AGE_IDENTITY", place)
	}
	keys, err := readSmall(s.AgeIdentity)
	if err != nil {
		return nil, fmt.Errorf("age_identity: %w", err)
	}
	identities, err := age.ParseIdentities(bytes.NewReader(keys))
	if err != nil {
		return nil, fmt.Errorf("age_identity: %s holds no age identities: give the file that age-keygen wrote, not encrypted itself", s.AgeIdentity)
	}
	var src io.Reader = strings.NewReader(text)
	if strings.HasPrefix(strings.TrimSpace(text), armor.Header) {
		src = armor.NewReader(strings.NewReader(strings.TrimSpace(text)))
	}
	plain, err := age.Decrypt(src, identities...)
	if noMatch := (*age.NoIdentityMatchError)(nil); errors.As(err, &noMatch) {
		return nil, fmt.Errorf("%s: encrypted for others than the identities in %s: encrypt it with age -r and their public key", place, s.AgeIdentity)
	}
	if err == nil {
		var content []byte
		if content, err = io.ReadAll(io.LimitReader(plain, maxSecret)); err == nil {
			return content, nil
		}
	}
	return nil, fmt.Errorf("%s: not age-encrypted, or damaged: make it with age -r PUBLIC-KEY", place)
}
