package schemas

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// DigestKeyName is where the bucket of cursors has the key of a tenant's digests.
func DigestKeyName(tenant string) string { return tenant + ".digest" }

// KeyedDigest is 32 hex digits that name s to those only who have the key. Subjects and
// evidence name people by it.
func KeyedDigest(key []byte, s string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(s)) // a hash never fails
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// RowKey is the key of a report row that a principal name alone names; ok is false for
// reports whose rows are named by more, or by something else.
func (r *ReportSpec) RowKey(key []byte, upn string) (row string, ok bool) {
	if r.UPN == "" || len(r.Key) != 1 || r.Key[0] != r.UPN {
		return "", false
	}
	return KeyedDigest(key, r.Function+"\x00"+strings.ToLower(strings.TrimSpace(upn))), true
}
