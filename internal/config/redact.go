package config

import (
	"net/url"
	"slices"
	"strings"
)

const masked = "xxxxx"

// secretParameters are the parts of query parameter names whose values are secrets.
var secretParameters = []string{"pass", "pwd", "secret", "token", "key", "auth", "cred", "jwt", "seed"}

// Redact masks the secrets of an address: the password, the token of a NATS address,
// and query parameters such as password. It takes whatever a person may have written,
// so it does not rely on the text being a valid address, and where the parts cannot be
// told apart it hides too much rather than too little. Several addresses with commas
// are redacted one by one.
func Redact(rawURL string) string {
	parts := splitAddresses(rawURL)
	for i, p := range parts {
		parts[i] = redactOne(p)
	}
	return strings.Join(parts, ",")
}

func redactOne(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		scheme, rest = "", address
	} else {
		scheme += "://"
	}
	// The last @ ends the user part: a password may hold an @, / or # unescaped.
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		if strings.ContainsRune(rest[:at], '?') {
			// A password with a ? or a parameter with an @: no telling which.
			return scheme + masked
		}
		rest = redactUser(scheme, rest[:at]) + rest[at:]
	}
	return scheme + redactQuery(rest)
}

// redactUser masks user:password, and a user alone except where it is known to be a
// name: in a NATS address it is a token.
func redactUser(scheme, info string) string {
	user, _, hasPassword := strings.Cut(info, ":")
	switch {
	case hasPassword:
		return user + ":" + masked
	case scheme != "" && !dsnSchemes[strings.TrimSuffix(strings.ToLower(scheme), "://")]:
		return masked
	}
	return info
}

func redactQuery(rest string) string {
	head, query, ok := strings.Cut(rest, "?")
	if !ok {
		return rest
	}
	params := strings.Split(query, "&")
	for i, p := range params {
		name, value, given := strings.Cut(p, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil {
			plain = name
		}
		secret := slices.ContainsFunc(secretParameters, func(part string) bool {
			return strings.Contains(strings.ToLower(plain), part)
		})
		// A proxy's address among the parameters has a user part of its own.
		if strings.Contains(strings.ToLower(value), "%40") {
			secret = true
		}
		if given && secret {
			params[i] = name + "=" + masked
		}
	}
	return head + "?" + strings.Join(params, "&")
}

// splitAddresses splits at the commas that begin another address; the other commas
// separate hosts of one address or belong to a password.
func splitAddresses(raw string) []string {
	var parts []string
	begin := 0
	for i, r := range raw {
		if r != ',' {
			continue
		}
		next, _, ok := strings.Cut(raw[i+1:], "://")
		if scheme := strings.TrimSpace(next); ok && (natsSchemes[scheme] || dsnSchemes[scheme]) {
			parts = append(parts, raw[begin:i])
			begin = i + 1
		}
	}
	return append(parts, raw[begin:])
}
